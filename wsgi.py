"""Production entry: ``gunicorn wsgi:app``."""

import logging

from webapp import create_app
from webapp.core import logs, memory
from webapp.core.config import Settings

memory.give_back_what_is_freed()
settings = Settings.from_environment()
logs.configure(settings)
app = create_app(settings)
if settings.https and not settings.trusted_hosts:
    logging.getLogger("webapp").warning("TRUSTED_HOSTS is not set: one-time links are made with any host's name")
