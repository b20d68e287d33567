"""the release that the database and each worker is of

Revision: 0033_release, after 0032_seals; written 2026-11-28.
"""

import sqlalchemy as sa
from alembic import op

revision = '0033_release'
down_revision = '0032_seals'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('program_release', sa.Column('version', sa.String(length=40), nullable=False))
    op.execute("ALTER TABLE worker ADD COLUMN release VARCHAR(40) DEFAULT '' NOT NULL")


def downgrade() -> None:
    op.execute('ALTER TABLE worker DROP COLUMN release')
    op.drop_table('program_release')
