"""``flask verify-audit``."""

import click
from flask.cli import with_appcontext

from webapp.audit import trail


@click.command("verify-audit", help="Check that no event in the audit trail was changed, removed, added or moved.")
@click.option("--expect", metavar="COUNT:DIGEST", help="a head recorded earlier, outside this database")
@with_appcontext
def verify_audit(expect: str | None) -> None:
    try:
        found = trail.verify(trail.Head.parse(expect) if expect else None)
    except trail.NotAHeadError as error:
        raise click.UsageError(str(error)) from None
    for line in found.breaks[: trail.SHOWN]:
        click.echo(line)
    if len(found.breaks) > trail.SHOWN:
        click.echo(
            f"… and {len(found.breaks) - trail.SHOWN} more. Check that AUDIT_KEY is the key the trail was made with."
        )
    if found.breaks:
        raise click.ClickException("The audit trail is not intact.")
    click.echo(f"The audit trail is intact: {found.head.count} events.\n{found.head}")
