"""How the program runs: service status, model versions, operating points."""
