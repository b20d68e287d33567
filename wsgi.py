"""Production entry: ``gunicorn wsgi:app``."""

from webapp import create_app, logs
from webapp.config import Settings

settings = Settings.from_environment()
logs.configure(settings)
app = create_app(settings)
