"""Training data: one reader per data set, splits by lesion, synthetic drawings, and the mixture of them all."""
