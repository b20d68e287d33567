"""The demonstration: one centre, three accounts with new passwords, a dozen synthetic cases. Never in production."""

import secrets
import uuid
from dataclasses import dataclass
from io import BytesIO

from flask import Flask
from flask_security.utils import hash_password

from webapp.accounts import queries as account_queries
from webapp.accounts import service as accounts
from webapp.analysis.synthetic import draw
from webapp.cases import queries as case_queries
from webapp.cases import service as cases
from webapp.cases import uploads
from webapp.core.database import transaction
from webapp.models import BodySite, Role, Sex, Side, Surface, Urgency, User, utcnow

CENTRE = "Demo Health Centre"
ACCOUNTS = {
    Role.GP: ("gp@demo.example", "Demo GP"),
    Role.DERMATOLOGIST: ("dermatologist@demo.example", "Demo Dermatologist"),
    Role.ADMIN: ("admin@demo.example", "Demo Administrator"),
}


@dataclass(frozen=True)
class DemoCase:
    """Pattern codes and defect of each image, and what the GP wrote."""

    images: tuple[tuple[tuple[str, ...], str], ...]
    site: BodySite
    birth_year: int
    sex: Sex
    history: str
    question: str
    urgency: Urgency = Urgency.ROUTINE
    side: Side = Side.LEFT
    surface: Surface | None = None
    size_mm: float | None = None


def _one(*codes: str, spoil: str = "") -> tuple[tuple[tuple[str, ...], str], ...]:
    return ((codes, spoil),)


CASES = (
    DemoCase(_one("AT"), BodySite.FACE, 1948, Sex.FEMALE, "Shiny nodule, bleeds at times.", "BCC?", size_mm=6),
    DemoCase(
        _one("PN"),
        BodySite.BACK,
        1990,
        Sex.MALE,
        "Brown mole, known for years.",
        "Follow-up needed?",
        side=Side.MIDLINE,
    ),
    DemoCase(
        _one("ON", "MG"),
        BodySite.CHEST,
        1955,
        Sex.MALE,
        "Slow-growing dark papule.",
        "Melanoma or BCC?",
        Urgency.SOON,
        Side.RIGHT,
        size_mm=4.5,
    ),
    DemoCase(
        _one(),
        BodySite.UPPER_LIMB,
        1979,
        Sex.FEMALE,
        "Flat pink-brown patch.",
        "Benign?",
        surface=Surface.OUTER,
        size_mm=9,
    ),
    DemoCase(
        _one("U", "AT"),
        BodySite.EAR,
        1940,
        Sex.MALE,
        "Not healing for 4 months.",
        "Excision?",
        Urgency.URGENT,
        Side.RIGHT,
        Surface.BACK,
        size_mm=11,
    ),
    DemoCase(_one("ML"), BodySite.LOWER_LIMB, 1962, Sex.FEMALE, "Noticed at a check-up.", "", side=Side.RIGHT),
    DemoCase(_one("SW"), BodySite.ABDOMEN, 1970, Sex.MALE, "No symptoms.", "Unsure of the pattern."),
    DemoCase(_one("AT", spoil="defocus"), BodySite.NECK, 1951, Sex.FEMALE, "Nodule; image not sharp.", "BCC?"),
    DemoCase(
        ((("PN",), ""), (("PN",), "")),
        BodySite.BACK,
        1985,
        Sex.FEMALE,
        "Two views of one mole.",
        "Change since last year?",
    ),
    DemoCase(_one("MG"), BodySite.SCALP, 1944, Sex.MALE, "Itches.", "", Urgency.SOON),
    DemoCase(_one("PN"), BodySite.LOWER_LIMB, 1996, Sex.FEMALE, "Noticed on holiday.", "Harmless?"),
    DemoCase(_one(spoil="dark"), BodySite.HAND, 1967, Sex.OTHER, "Image taken in poor light.", "What is it?"),
)


def prepare(app: Flask) -> list[tuple[Role, str, str]]:
    """Create what is missing and give the three accounts new passwords; returns (role, email, password)."""
    with app.app_context():
        with transaction():
            credentials = [(role, ACCOUNTS[role][0], _fresh_password(_account(role))) for role in ACCOUNTS]
        _submit_cases()
    return credentials


def _account(role: Role) -> User:
    email, name = ACCOUNTS[role]
    known = account_queries.by_email(email)
    if known is not None:
        return known
    centre = account_queries.centre_by_name(CENTRE) or accounts.add_centre(None, CENTRE)
    return accounts.invite(None, email=email, name=name, role=role, centre_id=centre.id)


def _fresh_password(user: User) -> str:
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    user.password = hash_password(password)
    user.joined_at = user.joined_at or utcnow()
    user.active = True
    return password


def _submit_cases() -> None:
    """Each case in its own transaction and recognised by its token: the next start completes an interrupted one."""
    for number, demo in enumerate(CASES, start=1):
        token = str(uuid.uuid5(uuid.NAMESPACE_URL, f"dermtriage-demo-{number}"))
        with transaction():
            gp = account_queries.by_email(ACCOUNTS[Role.GP][0])
            if gp is None or case_queries.by_submission(gp, token) is not None:
                continue
            drawn = [draw(100 * number + i, codes, spoil=spoil) for i, (codes, spoil) in enumerate(demo.images)]
            cases.submit(
                gp,
                cases.NewCase(
                    submission_token=token,
                    patient_reference=f"DEMO-{number:03d}",
                    body_site=demo.site,
                    side=demo.side,
                    surface=demo.surface,
                    size_mm=demo.size_mm,
                    birth_year=demo.birth_year,
                    sex=demo.sex,
                    phototype=drawn[0].phototype,
                    history=demo.history,
                    clinical_question=demo.question,
                    urgency=demo.urgency,
                    synthetic=True,
                ),
                uploads.store(
                    uploads.clean_images(
                        [(f"Image {i}", BytesIO(image.data).read) for i, image in enumerate(drawn, start=1)]
                    )
                ),
            )
