"""``flask backup`` and ``flask restore``."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from webapp.audit import trail
from webapp.maintenance import backup, restore, store
from webapp.maintenance.manifest import BackupError


@click.command("backup", help="Write database and images, as they are at this moment, into a new folder.")
@click.argument("folder", type=click.Path(path_type=Path))
@with_appcontext
def make_backup(folder: Path) -> None:
    try:
        made = backup.make(folder)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{folder}: {sum(made.rows.values())} rows, {made.objects} objects. Audit head {made.audit_head}")
    click.echo(
        f"It needs the encryption keys {', '.join(made.key_ids) or '(none)'} and AUDIT_KEY, which it never holds."
    )
    if made.missing:
        raise click.ClickException(f"{len(made.missing)} objects were missing or damaged: see verify-store.")


@click.command("restore", help="Put a backup into an empty database of the same revision and an empty image store.")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@with_appcontext
def restore_backup(folder: Path) -> None:
    try:
        found = restore.put_back(folder)
    except BackupError as error:
        raise click.ClickException(f"{error} Nothing was restored.") from None
    click.echo(f"Restored: {sum(found.rows.values())} rows, {found.objects} objects.")
    breaks = trail.verify(trail.Head.parse(found.audit_head)).breaks
    wrong = list(store.wrong_objects())
    for line in (*breaks[: trail.SHOWN], *wrong[: trail.SHOWN]):
        click.echo(line)
    if breaks or wrong:
        raise click.ClickException(
            "Everything is back, but not all of it is whole. Are AUDIT_KEY and IMAGE_KEYS right?"
        )
    click.echo("The audit trail and every stored object are whole.")
