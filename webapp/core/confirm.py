"""The forms of buttons that change something, and the page that asks before what is hard to undo."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template, request
from flask_wtf import FlaskForm

TOKEN, ANSWER = "csrf_token", "confirmed"


class ConfirmForm(FlaskForm):
    """A CSRF token and nothing to fill in."""


@dataclass(frozen=True)
class Question:
    """What is asked: ``points`` say what will happen, ``button`` does it, ``back`` is where the other way leads."""

    title: str
    points: Sequence[str]
    button: str
    back: str


def confirmed() -> bool:
    """Whether this request comes from the page that asks."""
    return request.form.get(ANSWER) == "y"


def ask(question: Question, form: FlaskForm | None = None) -> tuple[str, int]:
    """The page that asks: it sends this request's form again, with what is chosen in the fields of ``form``."""
    own = form or ConfirmForm()
    shown = {TOKEN, ANSWER, *(field.name for field in own)}
    sent = [(name, value) for name, value in request.form.items(multi=True) if name not in shown]
    page = render_template("confirm.html", question=question, sent=sent, form=own, answer=ANSWER)
    return page, 422 if own.errors else 200
