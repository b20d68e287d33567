"""How the program runs: service page, model versions, operating points."""
