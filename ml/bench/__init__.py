"""How fast, against what: `python -m ml bench`. Every figure of one run comes from the same interleaved rounds."""
