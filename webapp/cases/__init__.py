"""The GP's pages: send a case, follow it, read the answer."""
