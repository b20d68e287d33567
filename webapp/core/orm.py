"""What every table shares: names of constraints, UTC times, enumerations as readable text."""

from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


OBJECT = {"object": True}
"""``info`` of a column that names an object of the image store: maintenance finds them all by it."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; refuses naive ones. SQLite stores no zone, so it is added on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def text_enum(kind: type[StrEnum], length: int = 32) -> SqlEnum:
    """A StrEnum stored as its value, so that the database uses the vocabulary."""

    def values(enum: type[Enum]) -> list[Any]:
        return [member.value for member in enum]

    return SqlEnum(kind, native_enum=False, length=length, values_callable=values, validate_strings=True)


def utcnow() -> datetime:
    return datetime.now(UTC)
