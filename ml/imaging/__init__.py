"""From a file to the network's input: one path for training and for serving."""
