"""A backup can be restored, on either database, completely or not at all."""

import hashlib
import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import create_engine, select, text

from tests.conftest import PASSWORD, World, make_app, server
from tests.web.helpers import actions, objects_in, stored_bytes, stored_files
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.core.config import Settings, settings_of
from webapp.core.database import reading
from webapp.core.extensions import db
from webapp.maintenance import backup, rows
from webapp.maintenance.manifest import Manifest
from webapp.models import Case, Role
from webapp.storage.store import open_store, store_of

Rows = dict[str, list[dict[str, object]]]
KINDS = ["sqlite", *(["postgresql"] if server("TEST_DATABASE_URL") else [])]


def run(app: Flask, *command: object) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=[str(part) for part in command])
    return result.exit_code, result.output


def every_row(app: Flask) -> Rows:
    with app.app_context(), reading() as session:
        tables = db.metadata.sorted_tables
        return {
            table.name: [dict(row) for row in session.execute(select(table).order_by(*table.primary_key)).mappings()]
            for table in tables
        }


def without(rows: Rows, *tables: str) -> Rows:
    return {name: found for name, found in rows.items() if name not in tables}


def without_the_last_event(rows: Rows) -> Rows:
    """A restore leaves one, and so moves the head."""
    assert rows["audit_event"][-1]["action"] == "backup.restored"
    return {**without(rows, "audit_head"), "audit_event": rows["audit_event"][:-1]}


@pytest.fixture
def gp(world: World) -> str:
    return world.user(Role.GP, name="Test GP")


@pytest.fixture
def number(world: World, sign_in, gp: str) -> str:
    """A clinic with an answered case and a waiting one that follows it."""
    first = world.case(gp, history="Growing – since “May”", images=2)
    world.analyse(first, 0.9)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, first)
    decide(reader, first, diagnosis="bcc", management="biopsy", advice="Ünïcode")
    second = world.case(gp)
    world.analyse(second, None)
    client = sign_in(gp)
    client.submit(f"/cases/{second}/follow", {"follows": first}, page=f"/cases/{second}")
    return first


@contextmanager
def another_place(settings: Settings, folder: Path, kind: str) -> Iterator[Flask]:
    """An empty migrated database and an empty store, with the same keys."""
    url = f"sqlite:///{folder}/other.sqlite"
    if kind == "postgresql":
        url = new_postgresql_database()
    folder.mkdir()
    app = make_app(
        settings.model_copy(
            update={"instance_dir": folder, "database_url": url, "storage_url": f"file://{folder}/images"}
        )
    )
    with app.app_context():
        upgrade()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def new_postgresql_database() -> str:
    base = (server("TEST_DATABASE_URL") or "").replace("postgresql://", "postgresql+psycopg://")
    name = base.rsplit("/", 1)[1] + "_restored"
    engine = create_engine(base, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{base.rsplit('/', 1)[0]}/{name}"


@pytest.fixture
def other(settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    with another_place(settings, tmp_path / "elsewhere", "sqlite") as app:
        yield app


@pytest.fixture
def folder(app: Flask, number: str, tmp_path: Path) -> Path:
    status, output = run(app, "backup", tmp_path / "backup")
    assert status == 0, output
    return tmp_path / "backup"


@pytest.mark.parametrize("kind", KINDS)
def test_everything_comes_back_and_works(
    app: Flask, settings: Settings, number: str, gp: str, folder: Path, tmp_path: Path, kind: str
) -> None:
    """When the suite runs on PostgreSQL, this also moves a site to SQLite."""
    with another_place(settings, tmp_path / "elsewhere", kind) as other:
        before, files = every_row(app), stored_bytes(settings)
        status, output = run(other, "restore", folder)
        assert status == 0, output
        assert "The audit trail, every record and every stored object are intact." in output
        assert without_the_last_event(every_row(other)) == without(before, "audit_head")
        images = tmp_path / "elsewhere" / "images"
        assert {path.name: path.read_bytes() for path in objects_in(images)} == files
        client = other.test_client()
        assert isinstance(client, CheckedClient)
        client.sign_in(gp, PASSWORD)
        page = client.get(f"/cases/{number}").text
        assert "Growing – since “May”" in page
        new = World(other).case(gp)
        assert new in client.get("/cases/").text, "sequences go on after the last row"
        assert run(other, "verify-audit")[0] == 0


@pytest.mark.skipif("postgresql" not in KINDS, reason="needs a PostgreSQL server")
@pytest.mark.usefixtures("number")
def test_a_site_moves_from_sqlite_to_postgresql(app: Flask, settings, folder: Path, tmp_path: Path) -> None:
    with another_place(settings, tmp_path / "small", "sqlite") as small:
        assert run(small, "restore", folder)[0] == 0
        assert run(small, "backup", tmp_path / "again")[0] == 0
        before = every_row(app)
    with another_place(settings, tmp_path / "large", "postgresql") as large:
        status, output = run(large, "restore", tmp_path / "again")
        assert status == 0, output
        found = every_row(large)
        assert without(found, "audit_head", "audit_event") == without(before, "audit_head", "audit_event")
        assert found["audit_event"][: len(before["audit_event"])] == before["audit_event"]


def test_a_backup_is_private_holds_no_key_and_nothing_readable_of_an_image(settings: Settings, folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["key_ids"] == list(settings.image_keys)
    assert manifest["rows"]["case_file"] == 2
    content = b"".join(path.read_bytes() for path in files)
    for secret in (*settings.image_keys.values(), settings.audit_key, settings.secret_key.encode()):
        assert secret not in content
    assert b"\xff\xd8\xff" not in b"".join(path.read_bytes()[:64] for path in files)


def test_a_backup_is_one_moment(app: Flask, world: World, number: str, gp: str, tmp_path: Path, monkeypatch) -> None:
    """A case sent while the backup is being made is in none of its tables."""
    dump, sent = rows.dump, []

    def slow(connection, table):
        if table.name == "case_file":
            sent.append(world.case(gp))
        return dump(connection, table)

    monkeypatch.setattr(rows, "dump", slow)
    before = every_row(app)
    status, output = run(app, "backup", tmp_path / "backup")
    assert status == 0, output
    assert sent
    counts = json.loads((tmp_path / "backup" / "manifest.json").read_text())["rows"]
    begun = {"audit_event": 1}
    assert counts == {name: len(found) + begun.get(name, 0) for name, found in before.items()}


def test_a_backup_that_fails_leaves_nothing(app: Flask, number: str, tmp_path: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(backup.Manifest, "write", fail)
    assert run(app, "backup", tmp_path / "backup")[0] == 1
    assert not [path for path in tmp_path.iterdir() if "backup" in path.name]


def test_a_backup_never_overwrites(app: Flask, folder: Path) -> None:
    before = (folder / "manifest.json").read_bytes()
    status, output = run(app, "backup", folder)
    assert status == 1
    assert "already exists" in output
    assert (folder / "manifest.json").read_bytes() == before


def test_an_object_that_is_missing_is_told_and_the_rest_is_kept(app, settings, number, tmp_path: Path) -> None:
    open_store(settings).delete(min(stored_files(settings)))
    status, output = run(app, "backup", tmp_path / "backup")
    assert status == 1
    assert "1 objects were missing or damaged" in output
    assert (tmp_path / "backup" / "manifest.json").exists()


def nothing_there(app: Flask) -> bool:
    found = {name: len(table) for name, table in every_row(app).items()}
    folder = settings_of(app).instance_dir / "images"
    return sum(found.values()) == found["audit_head"] == 1 and not objects_in(folder)


def change_a_table(folder: Path) -> None:
    file = folder / "tables" / "case_file.jsonl"
    file.write_bytes(file.read_bytes().replace(b"bcc", b"bbc").replace(b"May", b"Mai"))


def change_an_object(folder: Path) -> None:
    file = next(path for path in (folder / "objects").rglob("*") if path.is_file())
    file.write_bytes(file.read_bytes()[:-1])


def remove_an_object(folder: Path) -> None:
    next(path for path in (folder / "objects").rglob("*") if path.is_file()).unlink()


def remove_a_table(folder: Path) -> None:
    (folder / "tables" / "review.jsonl").unlink()


def change_the_list(folder: Path) -> None:
    file = folder / "objects.txt"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))


def change_the_manifest(folder: Path, **changes: object) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def change_the_revision(folder: Path) -> None:
    change_the_manifest(folder, revision="0001")


def take_the_signature_off(folder: Path) -> None:
    change_the_manifest(folder, signature="")


def say_something_twice(folder: Path) -> None:
    file = folder / "manifest.json"
    file.write_text(file.read_text().replace('"objects":', '"objects": 0, "objects":'))


def forge_a_decision_and_mend_the_manifest(folder: Path) -> None:
    file = folder / "tables" / "review.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"biopsy"', b'"reassure"'))
    files = json.loads((folder / "manifest.json").read_text())["files"]
    change_the_manifest(folder, files={**files, "tables/review.jsonl": hashlib.sha256(file.read_bytes()).hexdigest()})


def remove_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (change_a_table, "case_file.jsonl differs from the file"),
        (remove_a_table, "review.jsonl is missing"),
        (change_an_object, "differs from the file"),
        (remove_an_object, "is missing"),
        (change_the_list, "objects.txt differs from the file"),
        pytest.param(
            forge_a_decision_and_mend_the_manifest, "signature in manifest.json", marks=pytest.mark.control("H9.3")
        ),
        (change_the_revision, "signature in manifest.json"),
        (take_the_signature_off, "has no signature"),
        (say_something_twice, "not a complete backup"),
        (remove_the_manifest, "not a complete backup"),
    ],
)
def test_a_damaged_backup_is_refused_whole(other: Flask, folder: Path, damage, word: str) -> None:
    damage(folder)
    status, output = run(other, "restore", folder)
    assert status == 1
    assert word in output
    assert "Nothing was restored" in output
    assert nothing_there(other)


def test_a_place_that_is_not_empty_is_refused(app: Flask, other: Flask, folder: Path) -> None:
    before = every_row(app)
    status, output = run(app, "restore", folder)
    assert (status, "not empty" in output) == (1, True)
    assert every_row(app) == before
    store_of(other).put(b"somebody else's")
    status, output = run(other, "restore", folder)
    assert (status, "store is not empty" in output) == (1, True)


def test_a_restore_that_fails_half_way_leaves_nothing_and_can_be_repeated(other, folder, monkeypatch) -> None:
    load = rows.load

    def fail(connection, table, lines):
        if table.name == "review":
            raise RuntimeError("a bug")
        return load(connection, table, lines)

    with monkeypatch.context() as patch:
        patch.setattr(rows, "load", fail)
        assert run(other, "restore", folder)[0] == 1
    assert nothing_there(other)
    assert run(other, "restore", folder)[0] == 0


def test_the_keys_must_be_at_hand(other: Flask, another, folder: Path) -> None:
    changed = another(settings_of(other).model_copy(update={"image_keys": {"x": bytes(32)}}))
    status, output = run(changed, "restore", folder)
    assert (status, "IMAGE_KEYS" in output) == (1, True)
    assert nothing_there(other)
    changed = another(settings_of(other).model_copy(update={"audit_key": b"not the one that made the audit trail"}))
    status, output = run(changed, "restore", folder)
    assert (status, "AUDIT_KEY" in output) == (1, True)
    assert nothing_there(other)


@pytest.mark.control("H9.3")
def test_rows_forged_before_the_backup_are_named_when_it_is_restored(
    app: Flask, other: Flask, number, tmp_path
) -> None:
    """The backup itself is signed properly."""
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE review SET management = 'reassure'")
    assert run(app, "backup", tmp_path / "backup")[0] == 0
    status, output = run(other, "restore", tmp_path / "backup")
    assert (status, "its content was changed" in output) == (1, True)


def test_a_backup_of_another_revision_is_refused(other: Flask, folder: Path) -> None:
    key = settings_of(other).audit_key
    made = replace(Manifest.read(folder, key), revision="0001")
    (folder / "manifest.json").unlink()
    made.write(folder, key)
    status, output = run(other, "restore", folder)
    assert (status, "revision 0001" in output) == (1, True)
    assert nothing_there(other)


def test_a_row_that_says_something_twice_is_refused(other: Flask, folder: Path) -> None:
    key = settings_of(other).audit_key
    file = folder / "tables" / "review.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"management":', b'"management": "reassure", "management":'))
    found = Manifest.read(folder, key)
    (folder / "manifest.json").unlink()
    files = {**found.files, "tables/review.jsonl": hashlib.sha256(file.read_bytes()).hexdigest()}
    replace(found, files=files).write(folder, key)
    status, output = run(other, "restore", folder)
    assert (status, "review: the key 'management' occurs twice" in output) == (1, True)
    assert nothing_there(other)


def test_many_rows_are_written_and_read_in_portions(app: Flask, world: World, other, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(rows, "BATCH", 2)
    gp = world.user(Role.GP)
    for _ in range(5):
        world.case(gp)
    largest = 0
    take_some = rows.islice

    def watched(*arguments):
        nonlocal largest
        portion = list(take_some(*arguments))
        largest = max(largest, len(portion))
        return portion

    monkeypatch.setattr(rows, "islice", watched)
    assert run(app, "backup", tmp_path / "backup")[0] == 0
    assert run(other, "restore", tmp_path / "backup")[0] == 0
    assert largest == 2
    assert without_the_last_event(every_row(other)) == without(every_row(app), "audit_head")
    assert actions(other) == [*actions(app), "backup.restored"]


def test_a_value_without_a_form_stops_the_backup() -> None:
    with pytest.raises(TypeError, match="no form in a backup"):
        rows._plain(object())


def test_rows_of_a_case_come_before_those_that_follow_it(app: Flask, number: str, other: Flask, folder: Path) -> None:
    assert run(other, "restore", folder)[0] == 0
    with other.app_context(), reading() as session:
        assert session.scalar(select(Case.follows_id).where(Case.follows_id.is_not(None))) is not None
