"""The row of a model version, created by the first worker that uses it."""

from typing import Any

from sqlalchemy.exc import IntegrityError

from webapp.analysis import queries
from webapp.core.extensions import db
from webapp.models import ModelVersion


def version_of(name: str, weights_sha256: str, card: dict[str, Any]) -> ModelVersion:
    known = queries.model_version(name, weights_sha256)
    if known is not None:
        return known
    fresh = ModelVersion(name=name, weights_sha256=weights_sha256, card=card)
    try:
        with db.session.begin_nested():
            db.session.add(fresh)
    except IntegrityError:
        known = queries.model_version(name, weights_sha256)  # another worker was faster
        if known is None:
            raise
        return known
    return fresh
