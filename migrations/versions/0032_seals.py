"""seals of rows in the audit trail

Revision: 0032_seals, after 0031_model_switch; written 2026-11-28.

Every row that exists is sealed as it is. On the way down the chain is made anew without seals.
"""

import sqlalchemy as sa
from alembic import op
from flask import current_app

from webapp.audit.chain import GENESIS, digest_of
from webapp.audit.resealing import seal_rows

revision = '0032_seals'
down_revision = '0031_model_switch'
branch_labels = None
depends_on = None

BATCH = 1000
REFUSAL = 'the audit trail is append-only'


def upgrade() -> None:
    # Both databases can add this column in place; Alembic would copy the table on SQLite, and its triggers with it.
    op.execute('ALTER TABLE audit_event ADD COLUMN seals JSON')
    seal_rows(op.get_bind())


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
