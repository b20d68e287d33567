"""The one rule of doubt: a case's place in the worklist, which decisions need a reason, what re-opens a case."""
