"""Which passwords are good enough: long, and not among those that are tried first. No composition rules."""

import re

from flask_security import PasswordUtil

from webapp.accounts.settings import SHORTEST_PASSWORD
from webapp.models import User

LONGEST_PASSWORD = 128
GUESSED_FROM = 72  # zxcvbn looks no further, and what follows cannot make it weaker
GOOD_ENOUGH = 3
"""On zxcvbn's scale of 0 to 4: more than 10⁸ guesses."""

TOO_SHORT = f"Use at least {SHORTEST_PASSWORD} characters."
TOO_LONG = f"Use no more than {LONGEST_PASSWORD} characters."
PERSONAL = "This password is too easy to guess: it contains your name, email address or centre, or “DermTriage”."
WEAK = "This password is too easy to guess. Try a few unrelated words."


class Passwords(PasswordUtil):
    def validate(self, password: str, is_register: bool, **kwargs: User) -> tuple[list[str] | None, str]:
        """Reasons against a new password, or None, and the password in normalised form."""
        normal = self.normalize(password)
        reason = _too_short_or_long(normal) or _easy_to_guess(normal, _context(kwargs["user"]))
        return [reason] if reason else None, normal


def _too_short_or_long(password: str) -> str | None:
    if len(password) < SHORTEST_PASSWORD:
        return TOO_SHORT
    return TOO_LONG if len(password) > LONGEST_PASSWORD else None


def _context(user: User) -> list[str]:
    """What others know about the person, in full and in parts."""
    texts = [user.name, user.email, "dermtriage", user.centre.name if user.centre else ""]
    parts = [part for text in texts for part in re.split(r"[\W_]+", text) if len(part) > 2]
    return [text.lower() for text in (*texts, *parts) if text]


def _easy_to_guess(password: str, context: list[str]) -> str | None:
    from zxcvbn import zxcvbn  # its word lists take time and memory: loaded when somebody chooses a password

    found = zxcvbn(password[:GUESSED_FROM], user_inputs=context)
    if found["score"] >= GOOD_ENOUGH:
        return None
    if any(part.get("dictionary_name") == "user_inputs" for part in found["sequence"]):
        return PERSONAL
    warning = found["feedback"]["warning"].rstrip(".")
    return f"{WEAK} ({warning}.)" if warning else WEAK
