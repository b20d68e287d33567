"""The roles of users: each has one."""

from enum import StrEnum


class Role(StrEnum):
    GP = "gp"
    DERMATOLOGIST = "dermatologist"
    ADMIN = "admin"

    @property
    def label(self) -> str:
        return {"gp": "GP", "dermatologist": "Dermatologist", "admin": "Administrator"}[self.value]
