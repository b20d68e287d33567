"""``flask backup`` and ``flask restore``."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from webapp import audit
from webapp.audit import trail
from webapp.core.database import transaction
from webapp.maintenance import backup, records, restore, store
from webapp.maintenance.manifest import BackupError


@click.command("backup", help="Back up the database and images into a new folder.")
@click.argument("folder", type=click.Path(path_type=Path))
@with_appcontext
def make_backup(folder: Path) -> None:
    with transaction():
        audit.record(None, "backup.begun", audit.INSTALLATION)
    try:
        made = backup.make(folder)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{folder}: {sum(made.rows.values())} rows, {made.objects} objects. Audit head {made.audit_head}")
    click.echo(
        f"To restore it you need AUDIT_KEY and the encryption keys {', '.join(made.key_ids) or '(none)'}: "
        "the backup does not contain them."
    )
    if made.missing:
        raise click.ClickException(
            f"{len(made.missing)} objects were missing or damaged. Run verify-store for details."
        )


@click.command("restore", help="Restore a backup into an empty database of the same revision and an empty image store.")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@with_appcontext
def restore_backup(folder: Path) -> None:
    try:
        found = restore.put_back(folder)
    except BackupError as error:
        raise click.ClickException(f"{error} Nothing was restored.") from None
    with transaction():
        audit.record(None, "backup.restored", audit.INSTALLATION, after={"made_at": found.made_at})
    click.echo(f"Restored: {sum(found.rows.values())} rows, {found.objects} objects.")
    forged = list(records.problems([trail.Head.parse(found.audit_head)]))
    wrong = list(store.wrong_objects())
    for line in (*forged[: trail.SHOWN], *wrong[: trail.SHOWN]):
        click.echo(line)
    if forged or wrong:
        raise click.ClickException(
            "Everything was restored, but the checks found problems. Check that AUDIT_KEY and IMAGE_KEYS are correct."
        )
    click.echo("The audit trail, every record and every stored object are intact.")
