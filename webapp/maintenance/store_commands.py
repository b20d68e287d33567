"""``flask verify-store`` and ``flask rotate-keys``."""

import click
from flask.cli import with_appcontext

from webapp import audit
from webapp.core.database import transaction
from webapp.maintenance import store
from webapp.storage.store import current_store


@click.command("verify-store", help="Check every stored object, and find objects that no database row refers to.")
@click.option("--delete-orphans", is_flag=True, help="delete objects more than an hour old that no row refers to")
@with_appcontext
def verify_store(delete_orphans: bool) -> None:
    wrong = orphans = 0
    for line in store.wrong_objects():
        wrong += 1
        click.echo(line)
    for key in store.left_over():
        orphans += 1
        if delete_orphans:
            current_store().delete(key)
        click.echo(f"object {key}: no row refers to it{', deleted' if delete_orphans else ''}")
    if orphans and delete_orphans:
        with transaction():
            audit.record(None, "store.left_overs_deleted", audit.INSTALLATION, after={"objects": orphans})
    click.echo(f"{wrong} rows with a wrong object, {orphans} objects without a row.")
    if wrong:
        raise click.ClickException("Some stored objects do not match their rows.")


@click.command("rotate-keys", help="Re-encrypt every stored object with the first key in IMAGE_KEYS.")
@with_appcontext
def rotate_keys() -> None:
    changed = failed = 0
    for problem in store.rotate():
        if problem is None:
            changed += 1
        else:
            failed += 1
            click.echo(problem)
    current = current_store().current_key
    if changed:
        with transaction():
            audit.record(None, "store.rekeyed", audit.INSTALLATION, after={"objects": changed, "key": current})
    click.echo(f"{changed} objects re-encrypted with the key {current!r}.")
    if failed:
        raise click.ClickException(f"{failed} objects could not be read and were not changed: keep the old keys.")
    click.echo("No object needs any other key.")
