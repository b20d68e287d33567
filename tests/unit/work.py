"""Reading and preparing analyses for tests of background work."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import select

from webapp.core.database import reading, transaction
from webapp.core.extensions import db
from webapp.models import Analysis, Case, Image, Role


def submitted(world, *, images: int = 1, **facts: object) -> str:
    """The number of a new case."""
    return world.case(world.user(Role.GP), images=images, **facts)


def analysis_ids(app: Flask, number: str) -> list[int]:
    with app.app_context(), reading() as session:
        statement = select(Analysis.id).join(Analysis.image).join(Image.case).where(Case.number == number)
        return list(session.scalars(statement.order_by(Analysis.id)))


@contextmanager
def stored(app: Flask, analysis_id: int) -> Iterator[Analysis]:
    """The analysis as stored, read-only."""
    with app.app_context(), reading():
        yield db.session.get_one(Analysis, analysis_id)


def change(app: Flask, analysis_id: int, **values: object) -> None:
    with app.app_context(), transaction():
        analysis = db.session.get_one(Analysis, analysis_id)
        for name, value in values.items():
            setattr(analysis, name, value)


@contextmanager
def stored_case(app: Flask, number: str) -> Iterator[Case]:
    with app.app_context(), reading() as session:
        yield session.scalars(select(Case).where(Case.number == number)).one()


def messages(app: Flask) -> list[int]:
    """Ids of the analyses in the queue, in order; empties the queue."""
    huey, found = app.extensions["queue"].huey, []
    while (task := huey.dequeue()) is not None:
        found.append(task.args[0])
    return found
