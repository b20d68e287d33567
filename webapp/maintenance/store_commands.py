"""``flask verify-store`` and ``flask rotate-keys``."""

import click
from flask.cli import with_appcontext

from webapp.maintenance import store
from webapp.storage.store import current_store


@click.command("verify-store", help="Read every stored object, and look for objects that nothing names.")
@click.option("--delete-orphans", is_flag=True, help="remove objects older than an hour that no row names")
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
        click.echo(f"object {key}: no row names it{', deleted' if delete_orphans else ''}")
    click.echo(f"{wrong} rows with a wrong object, {orphans} objects without a row.")
    if wrong:
        raise click.ClickException("Not every stored object is what its row describes.")


@click.command("rotate-keys", help="Encrypt every stored object anew with the first key of IMAGE_KEYS.")
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
    click.echo(f"{changed} objects are encrypted anew with the key {current!r}.")
    if failed:
        raise click.ClickException(f"{failed} objects could not be read and were left as they are: keep the old keys.")
    click.echo("No object needs another key any more.")
