"""a patient's reference is the same however it is spelt: with other spaces, dashes, wide or invisible characters

Revision: 0030_reference, after 0029_site; written 2026-11-28.
"""

import re
import unicodedata
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = '0030_reference'
down_revision = '0029_site'
branch_labels = None
depends_on = None

PORTION = 5000


def upgrade() -> None:
    _write(_key)


def downgrade() -> None:
    _write(lambda reference: reference.strip().casefold()[:40])


def _key(reference: str) -> str:
    """As `webapp.models.case.reference_key` was when this was written."""
    folded = unicodedata.normalize('NFKC', unicodedata.normalize('NFKC', reference).casefold())
    seen = ''.join('-' if _is_dash(each) else each for each in folded if unicodedata.category(each) != 'Cf')
    return re.sub(' ?- ?', '-', ' '.join(seen.split()))[:40]


def _is_dash(character: str) -> bool:
    return unicodedata.category(character) == 'Pd' or character == '\N{MINUS SIGN}'


def _write(key_of: Callable[[str], str]) -> None:
    """The keys that differ, a portion of the cases at a time."""
    case = sa.table('case_file', *map(sa.column, ('id', 'patient_reference', 'reference_key', 'reference_reversed')))
    connection, last = op.get_bind(), 0
    change = sa.update(case).where(case.c.id == sa.bindparam('case_id'))
    change = change.values(reference_key=sa.bindparam('forwards'), reference_reversed=sa.bindparam('backwards'))
    statement = sa.select(case.c.id, case.c.patient_reference, case.c.reference_key).order_by(case.c.id).limit(PORTION)
    while rows := connection.execute(statement.where(case.c.id > last)).all():
        keys = [(row.id, key_of(row.patient_reference), row.reference_key) for row in rows]
        changed = [{'case_id': i, 'forwards': key, 'backwards': key[::-1]} for i, key, stored in keys if key != stored]
        if changed:
            connection.execute(change, changed)
        last = rows[-1].id
