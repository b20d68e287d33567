"""The benchmark, `python -m ml bench`. All figures of a run come from the same interleaved rounds."""
