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


@click.command("export-patient", help="Export everything held under a centre's patient reference to a new ZIP file.")
@click.argument("reference")
@click.option("--centre", required=True, metavar="NAME")
@click.option("--to", "file", required=True, type=click.Path(path_type=Path, exists=False))
@with_appcontext
def export_patient(reference: str, centre: str, file: Path) -> None:
    with reading():
        cases = erasure.cases_of(reference, _centre(centre))
        if not cases:
            raise click.ClickException("Nothing is held under this patient reference at this centre.")
        numbers = [case.number for case in cases]
        try:
            unreadable = record.export(cases, reference, file)
        except FileExistsError:
            raise click.ClickException(f"{file} already exists.") from None
    with transaction():
        audit.record(None, "patient.exported", _centre(centre), after={"cases": ", ".join(numbers)})
    click.echo(f"{file} contains everything held on {len(numbers)} cases: {', '.join(numbers)}.")
    for line in unreadable:
        click.echo(line)
    if unreadable:
        raise click.ClickException("Some objects could not be read and are not in the file.")


@click.command("erase-patient", help="Permanently erase everything held under a centre's patient reference.")
@click.argument("reference")
@click.option("--centre", required=True, metavar="NAME")
@click.option("--yes", is_flag=True, help="do not ask for confirmation")
@with_appcontext
def erase_patient(reference: str, centre: str, yes: bool) -> None:
    with reading():
        numbers = [case.number for case in erasure.cases_of(reference, _centre(centre))]
        misfiled = [correction.case.number for correction in erasure.misfiled_under(reference, _centre(centre))]
    held = [f"{len(numbers)} cases ({', '.join(numbers)}) and all their images"] if numbers else []
    held += [f"the reference in the corrections of {', '.join(misfiled)}"] if misfiled else []
    if not held:
        click.echo("Nothing is held under this patient reference at this centre.")
        return
    if not yes:
        click.confirm(f"Permanently erase {' and '.join(held)}?", abort=True)
    with transaction():
        erased = erasure.erase_patient(reference, _centre(centre))
    click.echo(f"Erased: {', '.join(erased) or held[0]}. Earlier backups still contain them.")


@click.command("apply-retention", help="Erase cases that ended more than RETENTION_YEARS ago.")
@click.option("--dry-run", is_flag=True, help="only list them")
@with_appcontext
def apply_retention(dry_run: bool) -> None:
    years = current_settings().retention_years
    if years is None:
        click.echo("RETENTION_YEARS is not set, so every case is kept.")
        return
    limit = years_before(utcnow(), years)
    with reading():
        numbers = erasure.expired(limit)
    if not dry_run:
        numbers = [number for number in numbers if erasure.apply_retention(number, limit)]
    for number in numbers:
        click.echo(number)
    click.echo(f"{len(numbers)} cases ended before {limit:%d %b %Y}{'' if dry_run else ' and have been erased'}.")


def years_before(moment: datetime, years: int) -> datetime:
    try:
        return moment.replace(year=moment.year - years)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year - years, day=28)
