"""calls, modality, and a centre's own rate of BCC

Revision: 0017_three_cancers, after 0016_placing; written 2026-11-27.

Results stored before have none of these: their findings are shown as before.
"""

import sqlalchemy as sa
from alembic import op

revision = '0017_three_cancers'
down_revision = '0016_placing'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('ALTER TABLE finding ADD COLUMN call VARCHAR(32)')
    op.execute('ALTER TABLE finding ADD COLUMN placed BOOLEAN')
    op.execute('ALTER TABLE analysis ADD COLUMN modality VARCHAR(32)')
    number = sa.Double().compile(op.get_bind().dialect)
    rule = 'CONSTRAINT ck_centre_rate_range CHECK (bcc_rate BETWEEN 0 AND 1)'
    op.execute(f'ALTER TABLE centre ADD COLUMN bcc_rate {number} {rule}')


def downgrade() -> None:
    for table, column in (('centre', 'bcc_rate'), ('analysis', 'modality'), ('finding', 'placed'), ('finding', 'call')):
        op.execute(f'ALTER TABLE {table} DROP COLUMN {column}')
