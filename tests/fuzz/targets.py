"""What is fed: the decoder of images, the reader of tables, and every address of the application."""

import random
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask.testing import FlaskClient
from flask_migrate import upgrade
from werkzeug.datastructures import MultiDict

from ml.consensus.table import RatingsError, read_ratings
from ml.imaging.decoding import MIN_SIDE, UnreadableImage, decode
from ml.imaging.quality import assess
from ml.tables import TableError, read_table
from tests.conftest import PASSWORD, World, make_app, make_settings
from tests.fuzz.mutate import damaged, text
from tests.images import encoded, picture
from tests.web.doors import Clinic, Door
from tests.web_client import CheckedClient, new_client
from webapp.models import Role

Input = bytes | str
Target = Callable[[random.Random], tuple[Input, Callable[[], None]]]
"""From a generator of chances: an input, and what is done with it; any exception is a find."""

HEADER = "image,rater,pattern,value\n"
TABLES = [
    (HEADER + "a,r1,PN,1\na,r2,PN,0\nb,r1,AT,\n").encode(),
    ("sep=;\n" + HEADER.replace(",", ";") + "ä;r1;U;1\nä;r2;U;1\n").encode("utf-8-sig"),
    (HEADER.replace(",", "\t") + 'a\t"r ""1"""\tON\t0\n').encode("utf-16"),
]
ENDS_THE_SESSION = {"security.logout", "accounts.sign_out_everywhere", "admin.disable", "admin.link", "static"}


def images() -> Target:
    whole = [encoded(picture(160, 120, seed), kind, **options) for seed, (kind, options) in enumerate(_KINDS)]

    def target(chance: random.Random) -> tuple[Input, Callable[[], None]]:
        data = damaged(chance.choice(whole), whole, chance)

        def judged() -> None:
            try:
                image = decode(data, max_pixels=4_000_000)
            except UnreadableImage as refusal:
                _has_words(refusal)
                return
            assert image.mode == "RGB"
            assert min(image.size) >= MIN_SIDE
            assess(image)

        return data, judged

    return target


def _has_words(refusal: Exception) -> None:
    assert str(refusal), "a refusal has words"


_KINDS: tuple[tuple[str, dict[str, object]], ...] = (
    ("JPEG", {}),
    ("JPEG", {"progressive": True, "quality": 60}),
    ("JPEG", {"subsampling": 0, "restart_marker_blocks": 4}),
    ("PNG", {}),
    ("PNG", {"bits": 4}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
)


def tables() -> Target:
    folder = Path(tempfile.mkdtemp())

    def target(chance: random.Random) -> tuple[Input, Callable[[], None]]:
        data = damaged(chance.choice(TABLES), TABLES, chance)

        def read() -> None:
            for name in ("image", "rater"):
                try:
                    list(read_table(data, (name,)))
                except TableError as refusal:
                    _has_words(refusal)
            file = folder / "ratings.csv"
            file.write_bytes(data)
            try:
                read_ratings(file)
            except RatingsError as refusal:
                _has_words(refusal)

        return data, read

    return target


@contextmanager
def addresses() -> Iterator[Target]:
    """Every address with invented parameters, fields and files, as GP, dermatologist, administrator and stranger."""
    with tempfile.TemporaryDirectory() as folder:
        settings = make_settings(Path(folder) / "instance")
        app = make_app(settings)
        with app.app_context():
            upgrade()
        world = World(app)
        emails = {
            "GP of A": world.user(Role.GP),
            "reader": world.user(Role.DERMATOLOGIST),
            "admin": world.user(Role.ADMIN),
        }
        people: list[CheckedClient] = [new_client(app)]
        for email in emails.values():
            people.append(new_client(app))
            people[-1].sign_in(email, PASSWORD)
        doors = [
            door for door in Clinic(app, world, people[2], emails).doors() if door.endpoint not in ENDS_THE_SESSION
        ]
        names = _names(people, doors)

        def target(chance: random.Random) -> tuple[Input, Callable[[], None]]:
            door, person = chance.choice(doors), chance.choice(people)
            query = {chance.choice(names): text(chance) for _ in range(chance.randint(0, 3))}
            form = {chance.choice(names): text(chance) for _ in range(chance.randint(0, 6))}

            def request() -> None:
                data: MultiDict[str, str] = MultiDict(form)
                if door.method == "POST":
                    data["csrf_token"] = person.token("/login" if person is people[0] else "/profile")
                answer = FlaskClient.open(
                    person, door.path, method=door.method, query_string=query, data=data or None, buffered=True
                )
                assert answer.status_code < 500, f"{answer.status_code}: {answer.text[:300]}"

            return repr((door.endpoint, door.method, door.path, query, form)), request

        yield target


def _names(people: list[CheckedClient], doors: list[Door]) -> list[str]:
    """Of all fields and parameters on the pages of these people."""
    found: set[str] = set()
    for person in people:
        for door in doors:
            if door.method == "GET":
                page = FlaskClient.open(person, door.path, buffered=True)
                if page.mimetype == "text/html":
                    found |= {*re.findall(r'\sname="([\w-]+)"', page.text), *re.findall(r"[?&;](\w+)=", page.text)}
    return sorted(found - {"csrf_token"})
