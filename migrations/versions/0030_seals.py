"""seals of rows in the audit trail

Revision: 0030_seals, after 0029_site; written 2026-11-28.

References are compared however they are spelt, and every row that exists is sealed as it is. On the way down the chain is made anew without seals.
"""

from unicodedata import category, normalize

import sqlalchemy as sa
from alembic import op
from flask import current_app

from webapp.audit.chain import GENESIS, digest_of
from webapp.audit.resealing import seal_rows

revision = '0030_seals'
down_revision = '0029_site'
branch_labels = None
depends_on = None

BATCH = 1000
CASE = sa.table(
    'case_file',
    sa.column('id', sa.Integer()),
    sa.column('patient_reference', sa.String()),
    sa.column('reference_key', sa.String()),
    sa.column('reference_reversed', sa.String()),
)
REFUSAL = 'the audit trail is append-only'


def upgrade() -> None:
    _compare_references_however_spelt()
    # Both databases can add this column in place; Alembic would copy the table on SQLite, and its triggers with it.
    op.execute('ALTER TABLE audit_event ADD COLUMN seals JSON')
    seal_rows(op.get_bind())


def _compare_references_however_spelt() -> None:
    """The keys of references that are no plain ASCII, or have several spaces in a row, as they are made from now on."""
    connection = op.get_bind()
    for case_id, reference, known in connection.execute(sa.select(CASE.c.id, CASE.c.patient_reference, CASE.c.reference_key)).all():
        folded = normalize('NFKC', normalize('NFKC', reference).casefold())
        key = ' '.join(''.join(sign for sign in folded if category(sign) != 'Cf').split())[:40]
        if key != known:
            anew = CASE.update().where(CASE.c.id == case_id)
            connection.execute(anew.values(reference_key=key, reference_reversed=key[::-1]))


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == 'sqlite'
    if sqlite:
        op.execute('DROP TRIGGER audit_event_no_update')
    else:
        op.execute('ALTER TABLE audit_event DISABLE TRIGGER audit_event_append_only')
    op.execute('ALTER TABLE audit_event DROP COLUMN seals')
    _chain_anew()
    if sqlite:
        op.execute('CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event '
                   f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END")
    else:
        op.execute('ALTER TABLE audit_event ENABLE TRIGGER audit_event_append_only')


def _chain_anew() -> None:
    connection, key = op.get_bind(), current_app.extensions['settings'].audit_key
    known = sa.MetaData()
    known.reflect(connection, only=['audit_event', 'audit_head'])
    events, head = known.tables['audit_event'], known.tables['audit_head']
    last_id, digest = 0, GENESIS
    following = sa.select(events).order_by(events.c.id).limit(BATCH)
    while rows := connection.execute(following.where(events.c.id > last_id)).mappings().all():
        made = []
        for row in rows:
            digest = digest_of(key, digest, row)
            made.append({'event_id': row['id'], 'made': digest})
        store = events.update().where(events.c.id == sa.bindparam('event_id')).values(digest=sa.bindparam('made'))
        connection.execute(store, made)
        last_id = rows[-1]['id']
    connection.execute(head.update().values(digest=digest))
