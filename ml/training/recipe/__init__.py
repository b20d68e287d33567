"""The network of several collections: one plain recipe, from configuration to out-of-fold predictions."""
