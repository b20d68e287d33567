"""``flask audit-head``, ``flask verify-audit`` and ``flask verify-records``."""

from collections.abc import Iterable
from pathlib import Path

import click
from flask.cli import with_appcontext

from webapp.audit import trail
from webapp.core import mail
from webapp.core.config import current_settings
from webapp.core.database import reading
from webapp.maintenance import records
from webapp.models import utcnow

Heads = list[trail.Head]


def _head(_context: click.Context, _option: click.Parameter, text: str | None) -> Heads:
    try:
        return [trail.Head.parse(text)] if text else []
    except trail.NotAHeadError as error:
        raise click.BadParameter(str(error)) from None


def _heads(_context: click.Context, _option: click.Parameter, file: Path | None) -> Heads:
    """A line "time head" for each, as ``audit-head --append`` writes them."""
    try:
        lines = file.read_text().splitlines() if file else []
        return [trail.Head.parse(line.split()[-1]) for line in lines if line.strip()]
    except (OSError, UnicodeDecodeError, trail.NotAHeadError) as error:
        raise click.BadParameter(f"{file}: {error}") from None


EXPECT = click.option(
    "--expect", metavar="COUNT:DIGEST", callback=_head, help="a head recorded earlier, outside this database"
)
EXPECT_FILE = click.option(
    "--expect-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    callback=_heads,
    help="a file of heads that audit-head --append has written: each must be part of the trail",
)


@click.command("audit-head", help="Print the head of the audit trail, so that it can be kept outside this machine.")
@click.option("--append", "file", type=click.Path(path_type=Path, dir_okay=False), help="also add it to this file")
@click.option("--mail", "address", help="also send it to this address (MAIL_URL)")
@with_appcontext
def audit_head(file: Path | None, address: str | None) -> None:
    with reading():
        line = f"{utcnow():%Y-%m-%dT%H:%M:%SZ} {trail.head()}"
    click.echo(line)
    try:
        if file:
            with file.open("a") as heads:
                heads.write(f"{line}\n")
        if address:
            if not current_settings().mail_url:
                raise click.ClickException("No email can be sent: MAIL_URL is not set.")
            mail.send(current_settings(), address, "DermTriage: head of the audit trail", f"{line}\n")
    except OSError as error:
        raise click.ClickException(f"{file} could not be written: {error.strerror}.") from None
    except mail.MailError as error:
        raise click.ClickException(f"The email could not be sent ({error}).") from None


@click.command("verify-audit", help="Check that no event in the audit trail was changed, removed, added or moved.")
@EXPECT
@EXPECT_FILE
@with_appcontext
def verify_audit(expect: Heads, expect_file: Heads) -> None:
    found = trail.verify([*expect, *expect_file])
    if found.breaks:
        _tell(found.breaks)
        raise click.ClickException("The audit trail is not intact.")
    click.echo(f"The audit trail is intact: {found.head.count} events.\n{found.head}")


@click.command(
    "verify-records",
    help="Check that no decision, result, account or other record was changed, removed or added behind the program.",
)
@EXPECT
@EXPECT_FILE
@with_appcontext
def verify_records(expect: Heads, expect_file: Heads) -> None:
    if _tell(records.problems([*expect, *expect_file])):
        raise click.ClickException("The records are not as the program left them.")
    click.echo("Every record is as the program left it.")


def _tell(problems: Iterable[str]) -> int:
    """Print the first of them. Returns how many there are."""
    count = 0
    for count, line in enumerate(problems, start=1):
        if count <= trail.SHOWN:
            click.echo(line)
    if count > trail.SHOWN:
        click.echo(f"… and {count - trail.SHOWN} more. Check that AUDIT_KEY is the key the trail was made with.")
    return count
