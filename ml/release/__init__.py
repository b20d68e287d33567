"""From the folds of the recipe to a bundle: fit heads and gate, see what each fold's graph says of what it held out,
choose by that everything the card says, and export the network that learnt from everything.

Not part of `ml.training`: what the card says is measured by `ml.evaluation`, which training does not know.
"""
