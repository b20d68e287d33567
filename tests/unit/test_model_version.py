"""Two workers that load a new model at the same moment share one row for it."""

from flask import Flask
from sqlalchemy import select

from tests.conftest import outcome
from webapp.analysis import queries, versions
from webapp.core.database import transaction
from webapp.models import ModelVersion


def test_a_model_that_another_worker_noted_first_is_used(app: Flask, monkeypatch) -> None:
    result = outcome(0.2)
    facts = (result.model_name, result.weights_sha256, result.card)
    with app.app_context():
        with transaction():
            first = versions.version_of(*facts).id
        look_up, looks = queries.model_version, []

        def blind_at_first(name: str, sha256: str) -> ModelVersion | None:
            looks.append(name)
            return None if len(looks) == 1 else look_up(name, sha256)

        monkeypatch.setattr(queries, "model_version", blind_at_first)
        with transaction() as session:
            assert versions.version_of(*facts).id == first
            assert len(list(session.scalars(select(ModelVersion)))) == 1
        assert len(looks) == 2
