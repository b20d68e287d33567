"""From labelled images to a bundle. Runs on the developer's machine, never while serving."""
