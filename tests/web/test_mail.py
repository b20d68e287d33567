"""Invitations by email if a server is set up: a real exchange with a small mail server, and its failures."""

import re
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from tests.conftest import World
from tests.web.helpers import actions, user_id
from tests.web_client import CheckedClient
from webapp.core import mail
from webapp.core.config import ConfigurationError, Settings
from webapp.core.extensions import db
from webapp.models import Role


class PostOffice(socketserver.ThreadingTCPServer):
    """Accepts and keeps every email."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Counter)
        self.received: list[EmailMessage] = []


class Counter(socketserver.StreamRequestHandler):
    """One SMTP conversation (RFC 5321)."""

    server: PostOffice

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"QUIT":
                return self._say("221 bye")
            if word == b"DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.received.append(message_from_bytes(b"".join(lines), policy=default))
            self._say("250 fine")
        return None

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with PostOffice() as office:
        thread = threading.Thread(target=office.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield office
        office.shutdown()
        thread.join()


@pytest.fixture
def settings(settings: Settings, office: PostOffice) -> Settings:
    return settings.model_copy(
        update={"mail_url": f"smtp://127.0.0.1:{office.server_address[1]}", "mail_from": "clinic@test.example"}
    )


@pytest.fixture
def app(settings: Settings, app: Flask) -> Flask:
    """The usual application, with a mail server."""
    app.extensions["settings"] = settings
    return app


def invite(admin: CheckedClient, **changes: str):
    form = {"email": "new@test.example", "name": "Test Ñew", "role": "dermatologist", "centre_id": ""}
    return admin.submit("/admin/accounts/new", {**form, **changes})


def link_in(text: str) -> str:
    found = re.search(r"http://localhost/reset/[\w.-]+", text)
    assert found, text
    return found.group(0)


def test_an_invitation_is_mailed_with_the_link_that_is_shown(admin: CheckedClient, office: PostOffice) -> None:
    page = invite(admin).text
    assert "being emailed to new@test.example" in page
    (message,) = office.received
    assert (message["To"], message["From"]) == ("new@test.example", "clinic@test.example")
    assert message["Subject"] == "Your DermTriage account"
    text = message.get_content()
    assert "Hello Test Ñew," in text
    assert "once and expires after 7 days" in text
    assert link_in(text) == link_in(page)
    assert "The link was emailed to new@test.example." in admin.get("/admin/accounts").text


def test_a_new_link_is_mailed_as_well(app: Flask, world: World, admin: CheckedClient, office: PostOffice) -> None:
    email = world.user(Role.DERMATOLOGIST)
    page = f"/admin/accounts/{user_id(app, email)}"
    answer = admin.submit(f"{page}/link", page=page)
    (message,) = office.received
    assert message["To"] == email
    assert link_in(message.get_content()) == link_in(answer.text)


def test_a_refused_invitation_is_not_mailed(admin: CheckedClient, office: PostOffice) -> None:
    assert invite(admin, role="gp").status_code == 422
    assert office.received == []


def test_what_could_not_be_stored_is_not_mailed(
    app: Flask, admin: CheckedClient, office: PostOffice, monkeypatch
) -> None:
    token = admin.token("/admin/accounts/new")
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fail() -> None:
        raise SQLAlchemyError("a test")

    monkeypatch.setattr(db.session, "commit", fail)
    form = {"csrf_token": token, "email": "new@test.example", "name": "Test New", "role": "dermatologist"}
    assert admin.post("/admin/accounts/new", data=form).status_code == 500
    assert office.received == []


def test_a_mail_server_that_is_away_is_told_and_the_account_stays(
    app: Flask, settings: Settings, admin, caplog
) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as closed:
        port = closed.server_address[1]
    app.extensions["settings"] = settings.model_copy(update={"mail_url": f"smtp://127.0.0.1:{port}"})
    answer = invite(admin)
    assert answer.status_code == 200
    assert link_in(answer.text)
    page = admin.get("/admin/accounts").text
    assert "The link could not be emailed to new@test.example. Create a new link and pass it on yourself." in page
    assert "Test Ñew" in page
    assert actions(app) == ["account.invited"]
    assert link_in(answer.text) not in caplog.text


def test_without_a_server_nobody_speaks_of_mail(app: Flask, settings: Settings, admin: CheckedClient) -> None:
    app.extensions["settings"] = settings.model_copy(update={"mail_url": None})
    assert "emailed" not in invite(admin).text


def test_no_link_leaves_unencrypted(settings: Settings, monkeypatch, office: PostOffice) -> None:
    """A server on another machine that cannot encrypt gets nothing."""
    monkeypatch.setattr(mail, "LOCAL", ())
    with pytest.raises(mail.MailError, match="SMTPNotSupported"):
        mail.send(settings, "new@test.example", "Subject", "Text")
    assert office.received == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"MAIL_URL": "http://host", "MAIL_FROM": "a@test.example"}, "MAIL_URL"),
        ({"MAIL_URL": "smtp://", "MAIL_FROM": "a@test.example"}, "MAIL_URL"),
        ({"MAIL_URL": "smtp://host:x", "MAIL_FROM": "a@test.example"}, "MAIL_URL"),
        ({"MAIL_URL": "smtp://user:secret@host"}, "MAIL_FROM"),
    ],
)
def test_wrong_settings_are_named_without_the_password(tmp_path, changes: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as error:
        Settings.from_environment({"INSTANCE_DIR": str(tmp_path), **changes})
    assert "secret" not in str(error.value)


def test_right_settings_do_not_show_the_password(tmp_path) -> None:
    mail_settings = {"MAIL_URL": "smtps://user:secret@host:465", "MAIL_FROM": "a@test.example"}
    found = Settings.from_environment({"INSTANCE_DIR": str(tmp_path), **mail_settings})
    assert (found.mail_url, found.mail_from) == ("smtps://user:secret@host:465", "a@test.example")
    assert "secret" not in repr(found)
