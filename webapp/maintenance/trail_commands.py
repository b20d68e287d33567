"""``flask verify-audit``."""

import click
from flask.cli import with_appcontext

from webapp.audit import trail


@click.command("verify-audit", help="Check that no event of the audit trail was changed, removed, added or moved.")
@click.option("--expect", metavar="COUNT:DIGEST", help="a head noted earlier, outside of this database")
@with_appcontext
def verify_audit(expect: str | None) -> None:
    try:
        found = trail.verify(trail.Head.parse(expect) if expect else None)
    except trail.NotAHeadError as error:
        raise click.UsageError(str(error)) from None
    for line in found.breaks[: trail.SHOWN]:
        click.echo(line)
    if len(found.breaks) > trail.SHOWN:
        click.echo(f"… and {len(found.breaks) - trail.SHOWN} more. Is this the AUDIT_KEY that the trail was made with?")
    if found.breaks:
        raise click.ClickException("The audit trail is not whole.")
    click.echo(f"The audit trail is whole: {found.head.count} events.\n{found.head}")
