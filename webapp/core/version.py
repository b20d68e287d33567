"""The one place that says which version this is: the footer, the letter, /healthz and pyproject.toml read it."""

VERSION = "0.2.0.dev0"
