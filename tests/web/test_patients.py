"""A patient's data can be exported and erased completely; the audit trail stays, without the reference."""

import json
import stat
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, func, insert, select

from tests.conftest import World, outcome
from tests.unit.work import analysis_ids
from tests.web.helpers import actions, image_ids, stored_case, stored_files
from tests.web.reading import decide, take
from tests.web.test_additions import add
from tests.web.test_corrections import correct, void
from webapp.analysis import leases, results, runner
from webapp.core.database import reading, transaction
from webapp.core.extensions import db
from webapp.maintenance import belonging
from webapp.models import AuditEvent, Case, FailureReason, Finding, Image, Role, User
from webapp.storage.store import open_store, store_of

REFERENCE = "ZZ-4711"
CENTRE = "Test Centre A"
KEPT = {
    "alembic_version",
    "attempt",
    "audit_event",
    "audit_head",
    "centre",
    "letterhead",
    "management_option",
    "model_switch",
    "model_version",
    "operating_point_choice",
    "rerun",
    "sign_in_session",
    "user_account",
    "worker",
}
"""Tables with nothing about one patient. A new table must refer to a case by foreign key or be listed here."""


def run(app: Flask, *command: str, answer: str | None = None) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=list(command), input=answer)
    return result.exit_code, result.output


def erase(app: Flask, reference: str = REFERENCE) -> tuple[int, str]:
    return run(app, "erase-patient", reference, "--centre", CENTRE, "--yes")


def rows(app: Flask) -> dict[str, int]:
    with app.app_context(), reading() as session:
        tables = db.metadata.sorted_tables
        return {table.name: session.scalar(select(func.count()).select_from(table)) for table in tables}


@pytest.fixture
def gp(world: World) -> str:
    return world.user(Role.GP)


def whole_case(app: Flask, world: World, sign_in, gp: str, reference: str = REFERENCE) -> str:
    """A case with a row in every table that a case can have rows in: read blinded, decided, amended, asked about …"""
    number = world.case(gp, images=2, patient_reference=reference, history="A private history")
    world.analyse(number, 0.9)
    first_email, second_email = world.user(Role.DERMATOLOGIST), world.user(Role.DERMATOLOGIST)
    with app.app_context(), transaction() as session:
        session.query(User).filter_by(email=first_email).one().reads_blinded = True
        colleague = session.query(User).filter_by(email=second_email).one().id
    first, second = sign_in(first_email), sign_in(second_email)
    assert add(sign_in(gp), number, note="A private note").status_code == 302
    take(first, number)
    first.submit(f"/review/{number}/impression", {"diagnosis": "bcc", "management": "biopsy"}, page="/profile")
    patterns = {f"pattern_{code}": "present" for code in ("PN", "U", "ON", "MG", "ML", "SW", "AT")}
    assert decide(first, number, diagnosis="bcc", management="biopsy", **patterns).status_code == 302
    with stored_case(app, number) as case:
        seen = case.reviews[-1].id
    first.submit(f"/review/{number}/undo", {"seen": seen}, page="/profile")
    marks = json.dumps([{"image": image_ids(app, number)[1], "x": 0.5, "y": 0.5, "text": "Private mark"}])
    words = {"advice": "Private advice", "marks": marks}
    assert decide(first, number, diagnosis="bcc", management="biopsy", **words).status_code == 302
    asked = first.submit(
        f"/review/{number}/opinions", {"colleague": colleague, "question": "And you?"}, page="/profile"
    )
    assert asked.status_code == 302
    give_opinion(second, number)
    world.user(Role.GP, name="A colleague who has yet to read it")
    client = sign_in(gp)
    client.get(f"/cases/{number}")
    client.submit(f"/histology/{number}", {"result": "bcc", "remark": "Private remark"}, page=f"/cases/{number}")
    assert correct(client, number, f"{reference}/old").status_code == 302
    assert correct(client, number, reference).status_code == 302
    assert void(first, number).status_code == 302
    return number


def give_opinion(client, number: str) -> None:
    form = {"diagnosis": "bcc", "management": "biopsy", "remark": ""}
    answer = client.submit(f"/review/{number}/opinion", form, page=f"/review/{number}")
    assert answer.status_code == 302


def test_every_table_is_either_of_a_case_or_named_as_kept() -> None:
    owned = {table.name for table in belonging.tables()}
    assert owned.isdisjoint(KEPT)
    assert owned | KEPT >= {table.name for table in db.metadata.sorted_tables}
    assert {"case_file", "image", "analysis", "finding", "review", "assessment", "outcome_receipt"} <= owned


def test_a_table_that_is_added_later_is_found() -> None:
    metadata = MetaData()
    root = Table("case_file", metadata, Column("id", Integer, primary_key=True))
    child = Table("child", metadata, Column("case_id", ForeignKey("case_file.id"), primary_key=True))
    late = Table("late", metadata, Column("child_id", ForeignKey("child.case_id")))
    Table("stranger", metadata, Column("id", Integer, primary_key=True))
    assert belonging.tables(metadata) == [root, child, late]
    assert "child.case_id IN" in str(belonging.of_cases(late, [1]))


def test_erasing_leaves_nothing_of_the_patient_and_all_of_the_others(app, settings, world, sign_in, gp) -> None:
    other = world.case(gp, patient_reference="ZZ-47110")
    world.analyse(other, 0.9)
    foreign = world.case(world.user(Role.GP, centre="Test Centre B"), patient_reference=REFERENCE)
    before, files, noted = rows(app), stored_files(settings), len(actions(app, ignore=()))
    number = whole_case(app, world, sign_in, gp)
    added = rows(app)
    empty = [table.name for table in belonging.tables() if added[table.name] == before[table.name]]
    assert empty == [], "the test's case has rows everywhere"
    assert len(stored_files(settings)) > len(files)

    status, output = erase(app)
    assert (status, number in output) == (0, True)
    after = rows(app)
    assert {name: after[name] for name in after.keys() - KEPT} == {name: before[name] for name in after.keys() - KEPT}
    assert stored_files(settings) == files
    for kept in (other, foreign):
        with stored_case(app, kept) as case:
            assert case.number == kept
    assert run(app, "verify-store")[0] == 0
    assert run(app, "verify-audit")[0] == 0
    assert len(actions(app, ignore=())) > noted, "the trail is kept"
    with app.app_context(), reading() as session:
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert (event.action, event.after) == ("patient.erased", {"cases": number})
        assert REFERENCE not in str([vars(row) for row in session.scalars(select(AuditEvent))])


def test_erasing_twice_is_nothing_and_a_wrong_centre_is_refused(app: Flask, world: World, gp: str) -> None:
    world.case(gp, patient_reference=REFERENCE)
    assert erase(app)[0] == 0
    before = actions(app)
    assert erase(app) == (0, "Nothing is held under this patient reference at this centre.\n")
    assert actions(app) == before
    assert run(app, "erase-patient", REFERENCE, "--centre", "Nowhere", "--yes")[0] == 1


@pytest.mark.parametrize("own", [True, False])
def test_a_case_once_filed_under_the_reference_by_mistake_no_longer_names_it(
    app: Flask, world: World, gp: str, sign_in, own: bool
) -> None:
    number = world.case(gp, patient_reference=REFERENCE)
    assert correct(sign_in(gp), number, "OTHER-1").status_code == 302
    if own:
        world.case(gp, patient_reference=REFERENCE)
    status, output = erase(app, REFERENCE.lower())
    assert (status, "Erased" in output) == (0, True)
    assert actions(app)[-1] == "patient.erased"
    with stored_case(app, number) as case:
        (correction,) = case.corrections
        assert (correction.before, correction.after, case.patient_reference) == ("(erased)", "OTHER-1", "OTHER-1")
    assert erase(app) == (0, "Nothing is held under this patient reference at this centre.\n")


SPELT = ["ZZ-4711", "zz‑4711", "Zz - 4711", "ＺＺ-4711", "zz-\u200b4711"]


@pytest.mark.control("H10.1")
def test_one_patient_is_one_reference_however_it_is_spelt(app: Flask, world: World, gp: str, tmp_path: Path) -> None:
    spelt = [world.case(gp, patient_reference=reference) for reference in SPELT]
    other = world.case(gp, patient_reference="ZZ-47110")
    code, output = run(app, "export-patient", " zZ-4711", "--centre", CENTRE, "--to", str(tmp_path / "record.zip"))
    assert (code, [number for number in (*spelt, other) if number in output]) == (0, spelt)
    code, output = erase(app, "zz–4711 ")
    assert (code, [number for number in (*spelt, other) if number in output]) == (0, spelt)
    with app.app_context(), reading() as session:
        assert session.scalars(select(Case.number)).all() == [other]


@pytest.mark.control("H9.2")
def test_an_erasure_leaves_a_trace_that_can_be_verified(app: Flask, world: World, gp: str) -> None:
    """Each row's end is sealed: the rows are not missed, and one that comes back is named."""
    number = world.case(gp, patient_reference=REFERENCE)
    with stored_case(app, number) as case:
        row = f"case_file:{case.id}"
    with app.app_context(), db.engine.connect() as connection:
        kept = dict(connection.execute(select(Case.__table__)).mappings().one())
    assert erase(app)[0] == 0
    with app.app_context(), reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.erased")).one()
        assert row in event.seals
        assert set(event.seals.values()) == {None}
    assert run(app, "verify-records")[0] == 0
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(insert(Case), kept)
    status, output = run(app, "verify-records")
    assert (status, f"Case record {kept['id']} (case {number}) was added" in output) == (1, True)


def test_erasing_asks_first(app: Flask, world: World, gp: str) -> None:
    number = world.case(gp, patient_reference=REFERENCE)
    command = ("erase-patient", REFERENCE, "--centre", CENTRE)
    status, output = run(app, *command, answer="n\n")
    assert (status, number in output) == (1, True)
    with stored_case(app, number):
        pass
    assert run(app, *command, answer="y\n")[0] == 0


def test_the_next_reader_and_the_worker_meet_no_ghost(app, settings, world, sign_in, gp) -> None:
    """The case is erased while a dermatologist reviews it and a worker analyses it."""
    number = world.case(gp, patient_reference=REFERENCE)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    (analysis_id,) = analysis_ids(app, number)
    with app.app_context(), transaction():
        assert leases.take(analysis_id, "worker")
    assert erase(app)[0] == 0
    assert decide(reader, number).status_code == 404
    assert reader.get("/review/").status_code == 200
    assert sign_in(gp).get("/cases/").status_code == 200
    with app.app_context(), transaction():
        assert not results.finish(analysis_id, "worker", results.stored(outcome(0.9), store_of(app)))
        results.give_up(analysis_id, "worker", FailureReason.ERROR)
    with app.app_context():
        runner.run_analysis(analysis_id)
    assert stored_files(settings) == set()


def test_objects_that_could_not_be_removed_are_found_again(app, settings, world, gp, monkeypatch) -> None:
    world.case(gp, patient_reference=REFERENCE)
    with monkeypatch.context() as patch:
        patch.setattr(store_of(app).blobs, "delete", lambda _key: (_ for _ in ()).throw(OSError()))
        assert erase(app)[0] == 0
    monkeypatch.setattr("webapp.maintenance.store.YOUNG", timedelta(0))
    assert len(stored_files(settings)) == 3
    run(app, "verify-store", "--delete-orphans")
    assert stored_files(settings) == set()


def test_rows_that_could_not_be_erased_keep_their_objects(app, settings, world, gp, monkeypatch) -> None:
    world.case(gp, patient_reference=REFERENCE)
    before, files = rows(app), stored_files(settings)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("webapp.audit.record", fail)
    assert erase(app)[0] == 1
    assert (rows(app), stored_files(settings)) == (before, files)


def test_everything_is_handed_over_in_words(app, world, sign_in, gp, tmp_path: Path) -> None:
    number = whole_case(app, world, sign_in, gp)
    world.case(gp, patient_reference="SOMEBODY-ELSE")
    file = tmp_path / "patient.zip"
    command = ("export-patient", REFERENCE, "--centre", CENTRE, "--to", str(file))
    status, output = run(app, *command)
    assert (status, number in output) == (0, True), output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
        record = json.loads(archive.read("record.json"))
        events = json.loads(archive.read("audit.json"))
        letter = archive.read(f"letters/{number}.html").decode()
        image = archive.read(f"image/{image_ids(app, number)[0]}-key.jpg")
    assert image.startswith(b"\xff\xd8")
    with app.app_context(), reading() as session:
        heatmaps = session.scalar(select(func.count()).where(Finding.heatmap_key.is_not(None)))
        images = session.scalar(select(func.count()).where(Image.case_id == Case.id, Case.number == number))
    assert len([name for name in names if name.startswith("image/")]) == 3 * images == 6
    assert {Path(name).suffix for name in names if name.startswith("image/")} == {".jpg", ".webp"}
    assert len([name for name in names if name.startswith("finding/")]) == heatmaps == 2
    assert record["patient_reference"] == REFERENCE
    assert [row["number"] for row in record["case_file"]] == [number]
    assert record["case_file"][0]["centre_id"]["name"] == CENTRE
    assert record["review"][-1]["diagnosis"] == {"code": "bcc", "words": "Basal cell carcinoma"}
    assert set(record) >= {table.name for table in belonging.tables()}
    assert all(record[table.name] for table in belonging.tables())
    assert "Private advice" in letter
    assert "Private mark" in letter
    assert {"Case sent", "Image analysed", "Decision made"} <= {event["what"] for event in events}
    assert "SOMEBODY-ELSE" not in json.dumps(record)
    assert actions(app)[-1] == "patient.exported"
    assert run(app, *command)[0] == 1, "an existing file is never overwritten"


def test_what_cannot_be_read_back_is_said(app, settings, world, gp, tmp_path: Path) -> None:
    world.case(gp, patient_reference=REFERENCE)
    for key in stored_files(settings):
        open_store(settings).blobs.write(key, b"damaged")
    file = tmp_path / "patient.zip"
    status, output = run(app, "export-patient", REFERENCE, "--centre", CENTRE, "--to", str(file))
    assert status == 1
    assert output.count("unknown format") == 3
    assert zipfile.ZipFile(file).namelist() == ["record.json", "audit.json"]
