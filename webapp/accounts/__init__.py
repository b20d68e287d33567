"""Who may sign in, how, and for how long."""
