"""What a network learns from: one reader for each data set, splits by lesion, their mixture, and drawings."""
