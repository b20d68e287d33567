"""Email, if a server is configured: short plain texts over an encrypted connection."""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from webapp.core.config import Settings

TIMEOUT_SECONDS = 10
LOCAL = ("localhost", "127.0.0.1", "::1")


class MailError(Exception):
    """The email could not be handed over; the text is for the log."""


def send(settings: Settings, to: str, subject: str, text: str) -> None:
    """Hand one email to the server of MAIL_URL. Raises MailError, at the latest after TIMEOUT_SECONDS of silence."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, to, subject
    message.set_content(text)
    try:
        with _connect(settings.mail_url or "") as server:
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(_why(error)) from error


def _why(error: OSError) -> str:
    """The kind of failure and its number: the rest of the server's reply may name the recipient."""
    code = getattr(error, "smtp_code", None) or error.errno
    return f"{type(error).__name__} {code or ''}".strip()


def _connect(url: str) -> smtplib.SMTP:
    """``smtps`` is encrypted from the start; ``smtp`` switches to encryption, unless the server is this machine."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "smtps"
    port = parts.port or (465 if secure else 587)
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if secure:
        server = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    try:
        if not secure and host not in LOCAL:
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server
