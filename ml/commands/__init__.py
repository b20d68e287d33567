"""One module per command of `python -m ml`; heavy libraries are imported only when it runs."""
