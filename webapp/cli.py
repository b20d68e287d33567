"""Commands: ``flask --app wsgi worker``, ``create-admin``, ``reset-second-factor`` and others, see ``COMMANDS``."""

import click
from flask import Flask
from flask.cli import with_appcontext

from webapp.accounts import queries, second_factor
from webapp.accounts import service as accounts
from webapp.admin.operation import placing
from webapp.audit import trail
from webapp.core.database import transaction
from webapp.maintenance.backup_commands import make_backup, restore_backup
from webapp.maintenance.patient_commands import apply_retention, erase_patient, export_patient
from webapp.maintenance.store_commands import rotate_keys, verify_store
from webapp.maintenance.trail_commands import audit_head, verify_audit, verify_records
from webapp.models import states
from webapp.review import claims
from webapp.triage import lift


def init_app(app: Flask) -> None:
    @app.cli.command("worker", help="Analyse queued images until stopped with SIGTERM or Ctrl-C.")
    def worker() -> None:
        from webapp.analysis.worker import Chore, run_worker

        run_worker(
            app,
            [
                Chore("expired claims", claims.release_expired),
                Chore("due dates", lift.lift_past_due, every_seconds=5.0),
                Chore("placing cases anew", placing.place_open_cases),
                Chore("audit head", trail.tell_head, every_seconds=3600.0),
            ],
        )

    for command in COMMANDS:
        app.cli.add_command(command)


@click.command("create-admin", help="Create an administrator and print a one-time link for choosing a password.")
@click.option("--email", prompt="E-mail")
@click.option("--name", prompt="Full name")
@with_appcontext
def create_admin(email: str, name: str) -> None:
    try:
        with transaction():
            user = accounts.create_first_admin(email=email, name=name)
            link = accounts.invitation_path(user)
    except accounts.AccountError as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"Administrator {email} created. Open this address on your server to choose a password. It works once:\n{link}"
    )


@click.command(
    "reset-second-factor",
    help="Reset two-factor authentication for an administrator who has lost both phone and recovery codes.",
)
@click.option("--email", prompt="E-mail")
@with_appcontext
def reset_second_factor(email: str) -> None:
    with transaction():
        user = queries.by_email(email.strip())
        if user is None:
            raise click.ClickException("There is no account with this email address.")
        second_factor.reset(None, user)
    click.echo(f"Two-factor authentication for {email} is reset and must be set up again at the next sign-in.")


@click.command("draw-states", help="Print the states of cases and analyses as docs/architecture.md shows them.")
def draw_states() -> None:
    click.echo(states.drawings())


COMMANDS = (
    draw_states,
    create_admin,
    reset_second_factor,
    audit_head,
    verify_audit,
    verify_records,
    verify_store,
    rotate_keys,
    export_patient,
    erase_patient,
    apply_retention,
    make_backup,
    restore_backup,
)
