"""Production entry: ``gunicorn wsgi:app``."""

from webapp import create_app
from webapp.core import logs, memory
from webapp.core.config import ConfigurationError, Settings

memory.give_back_what_is_freed()
settings = Settings.from_environment()
if not settings.trusted_hosts:
    raise ConfigurationError(
        "TRUSTED_HOSTS must name the hosts under which people reach the application, such as triage.example.org: "
        "one-time links are made with the name that a request gives."
    )
logs.configure(settings)
app = create_app(settings)
