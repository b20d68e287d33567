"""From a finished training run to a bundle: export, calibrate, set the thresholds, measure, write the card.

Not part of `ml.training`: the card's figures are measured by `ml.evaluation` and set out by `ml.report`, through the
engine that serves the bundle, and training knows none of the three.
"""
