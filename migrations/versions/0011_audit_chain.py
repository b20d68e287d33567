"""the chained audit trail

Revision: 0011_audit_chain, after 0010_sign_in; written 2026-11-21.
"""

import sqlalchemy as sa
from alembic import op
from flask import current_app

from webapp.audit.chain import GENESIS, digest_of

revision = '0011_audit_chain'
down_revision = '0010_sign_in'
branch_labels = None
depends_on = None

BATCH = 1000

EVENT = sa.table(
    'audit_event',
    sa.column('id', sa.Integer()),
    sa.column('at', sa.DateTime(timezone=True)),
    sa.column('actor_id', sa.Integer()),
    sa.column('action', sa.String()),
    sa.column('subject_type', sa.String()),
    sa.column('subject_id', sa.String()),
    sa.column('before', sa.JSON()),
    sa.column('after', sa.JSON()),
    sa.column('digest', sa.String()),
)
REFUSAL = 'the audit trail is append-only'


def upgrade() -> None:
    head = op.create_table('audit_head',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('last_id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_audit_head_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_head'))
    )
    # Both databases can add this column in place; Alembic would copy the table on SQLite.
    op.execute("ALTER TABLE audit_event ADD COLUMN digest VARCHAR(64) DEFAULT '' NOT NULL")
    op.bulk_insert(head, [{'id': 1, **_chained()}])
    _refuse_changes()


def _chained() -> dict[str, object]:
    """Give every event that exists its digest. Returns the head of the chain."""
    connection, key = op.get_bind(), current_app.extensions['settings'].audit_key
    count, last_id, digest = 0, 0, GENESIS
    following = sa.select(EVENT).order_by(EVENT.c.id).limit(BATCH)
    store = EVENT.update().where(EVENT.c.id == sa.bindparam('event_id')).values(digest=sa.bindparam('made'))
    while rows := connection.execute(following.where(EVENT.c.id > last_id)).mappings().all():
        digests = []
        for row in rows:
            digest = digest_of(key, digest, row)
            digests.append({'event_id': row['id'], 'made': digest})
        connection.execute(store, digests)
        count, last_id = count + len(rows), rows[-1]['id']
    return {'count': count, 'last_id': last_id, 'digest': digest}


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == 'sqlite':
        for change in ('UPDATE', 'DELETE'):
            op.execute(f"CREATE TRIGGER audit_event_no_{change.lower()} BEFORE {change} ON audit_event "
                       f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END")
        return
    op.execute("CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS "
               f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$")
    op.execute('CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event '
               'FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()')


def downgrade() -> None:
    if op.get_bind().dialect.name == 'sqlite':
        for change in ('update', 'delete'):
            op.execute(f'DROP TRIGGER audit_event_no_{change}')
    else:
        op.execute('DROP TRIGGER audit_event_append_only ON audit_event')
        op.execute('DROP FUNCTION audit_event_refuse()')
    op.execute('ALTER TABLE audit_event DROP COLUMN digest')
    op.drop_table('audit_head')
