"""The one rule of doubt: where a case stands, which decision needs a reason, what re-opens it."""
