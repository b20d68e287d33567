"""From labelled images to a trained network. Runs on a developer's machine, never while serving.

The three-step training of Matas et al. is in `stages` and `config`; `ml.release` turns its result into a bundle.
"""
