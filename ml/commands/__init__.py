"""One module per command of `python -m ml`; each imports heavy libraries only when it runs."""
