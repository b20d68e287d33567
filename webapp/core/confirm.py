"""The form of a button that changes something: a CSRF token and nothing to fill in."""

from flask_wtf import FlaskForm


class ConfirmForm(FlaskForm):
    pass
