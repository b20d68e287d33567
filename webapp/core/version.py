"""The program's version, in one place: footer, PDF report, /healthz and pyproject.toml read it here."""

VERSION = "0.2.0.dev0"
