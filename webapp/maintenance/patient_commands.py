"""``flask export-patient``, ``flask erase-patient`` and ``flask apply-retention``."""

from datetime import datetime
from pathlib import Path

import click
from flask.cli import with_appcontext

from webapp import audit
from webapp.core.config import current_settings
from webapp.core.database import reading, transaction
from webapp.maintenance import erasure, record
from webapp.models import Centre, utcnow


def _centre(name: str) -> Centre:
    centre = erasure.centre_named(name)
    if centre is None:
        raise click.ClickException(f"There is no centre named {name!r}.")
    return centre


@click.command("export-patient", help="Write everything held on a patient reference of a centre into a new ZIP file.")
@click.argument("reference")
@click.option("--centre", required=True, metavar="NAME")
@click.option("--to", "file", required=True, type=click.Path(path_type=Path, exists=False))
@with_appcontext
def export_patient(reference: str, centre: str, file: Path) -> None:
    with reading():
        cases = erasure.cases_of(reference, _centre(centre))
        if not cases:
            raise click.ClickException("Nothing is held on this reference of this centre.")
        numbers = [case.number for case in cases]
        try:
            unreadable = record.export(cases, reference, file)
        except FileExistsError:
            raise click.ClickException(f"{file} exists already.") from None
    with transaction():
        audit.record(None, "patient.exported", _centre(centre), after={"cases": ", ".join(numbers)})
    click.echo(f"{file} holds everything on {len(numbers)} cases: {', '.join(numbers)}.")
    for line in unreadable:
        click.echo(line)
    if unreadable:
        raise click.ClickException("Some objects could not be read back and are not in the file.")


@click.command("erase-patient", help="Erase everything held on a patient reference of a centre, for ever.")
@click.argument("reference")
@click.option("--centre", required=True, metavar="NAME")
@click.option("--yes", is_flag=True, help="do not ask")
@with_appcontext
def erase_patient(reference: str, centre: str, yes: bool) -> None:
    with reading():
        numbers = [case.number for case in erasure.cases_of(reference, _centre(centre))]
    if not numbers:
        click.echo("Nothing is held on this reference of this centre.")
        return
    if not yes:
        click.confirm(f"Erase {len(numbers)} cases ({', '.join(numbers)}) with all images for ever?", abort=True)
    with transaction():
        erased = erasure.erase_patient(reference, _centre(centre))
    click.echo(f"Erased: {', '.join(erased)}. Backups made before still hold them.")


@click.command("apply-retention", help="Erase the cases that ended longer ago than RETENTION_YEARS.")
@click.option("--dry-run", is_flag=True, help="only say which")
@with_appcontext
def apply_retention(dry_run: bool) -> None:
    years = current_settings().retention_years
    if years is None:
        click.echo("RETENTION_YEARS is not set: every case is kept.")
        return
    limit = years_before(utcnow(), years)
    with reading():
        numbers = erasure.expired(limit)
    if not dry_run:
        numbers = [number for number in numbers if erasure.apply_retention(number, limit)]
    for number in numbers:
        click.echo(number)
    click.echo(f"{len(numbers)} cases ended before {limit:%d %b %Y}{'' if dry_run else ' and are erased'}.")


def years_before(moment: datetime, years: int) -> datetime:
    try:
        return moment.replace(year=moment.year - years)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year - years, day=28)
