"""Two workers that meet a new model at the same moment agree on one row for it."""

from flask import Flask
from sqlalchemy import select

from tests.conftest import outcome
from webapp.analysis import queries, results
from webapp.database import transaction
from webapp.models import ModelVersion


def test_a_model_that_another_worker_noted_first_is_used(app: Flask, monkeypatch) -> None:
    answers = outcome(0.2)
    with app.app_context():
        with transaction():
            first = results._model_version(answers).id
        look_up, looks = queries.model_version, []

        def blind_at_first(name: str, sha256: str) -> ModelVersion | None:
            looks.append(name)
            return None if len(looks) == 1 else look_up(name, sha256)

        monkeypatch.setattr(queries, "model_version", blind_at_first)
        with transaction() as session:
            assert results._model_version(answers).id == first
            assert len(list(session.scalars(select(ModelVersion)))) == 1
        assert len(looks) == 2
