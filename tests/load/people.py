"""Who takes part in a measurement, and how their browsers sign in."""

import re
import uuid

from flask import Flask
from flask.testing import FlaskClient
from flask_security.utils import hash_password

from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.models import Centre, Role, User, utcnow

PASSWORD = "four unrelated clinic words"
CENTRES, DERMATOLOGISTS = 60, 10
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def emails(role: Role) -> list[str]:
    """Those of ``make_people``: a GP for each centre, ten dermatologists, one administrator."""
    if role is Role.ADMIN:
        return ["admin@load.example"]
    name, count = ("gp", CENTRES) if role is Role.GP else ("derm", DERMATOLOGISTS)
    return [f"{name}{n:02d}@load.example" for n in range(1, count + 1)]


def make_people(app: Flask) -> None:
    """Sixty centres and their people, all with PASSWORD."""
    with app.app_context():
        password = hash_password(PASSWORD)
        with transaction() as session:
            centres = [Centre(name=f"Health centre {n:02d}") for n in range(1, CENTRES + 1)]
            session.add_all(centres)
            session.flush()
            for role in Role:
                for n, email in enumerate(emails(role)):
                    session.add(_user(email, role, centres[n].id if role is Role.GP else None, password))


def _user(email: str, role: Role, centre_id: int | None, password: str) -> User:
    name = f"Load {email.partition('@')[0]}"
    return User(
        email=email,
        name=name,
        role=role,
        centre_id=centre_id,
        password=password,
        fs_uniquifier=uuid.uuid4().hex,
        joined_at=utcnow(),
    )


def sign_in(app: Flask, email: str) -> FlaskClient:
    """A browser without the checks that tests make on every page, which would be measured too."""
    client = FlaskClient(app, app.response_class)
    answer = client.post("/login", data={"email": email, "password": PASSWORD, "csrf_token": token(client, "/login")})
    if answer.status_code != 302:
        raise RuntimeError(f"{email} could not sign in: {answer.status}")
    return client


def token(client: FlaskClient, path: str) -> str:
    """The CSRF token of the first form on a page."""
    found = TOKEN.search(client.get(path).text)
    if found is None:
        raise RuntimeError(f"no form on {path}")
    return found.group(1)


def people_there(app: Flask) -> bool:
    with app.app_context():
        there = db.session.query(User.id).filter_by(email=emails(Role.ADMIN)[0]).first() is not None
        db.session.remove()
        return there
