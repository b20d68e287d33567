"""the hospital's letterhead, and registration numbers of dermatologists

Revision: 0025_letterhead, after 0024_additions; written 2026-11-28.
"""

import sqlalchemy as sa
from alembic import op

revision = '0025_letterhead'
down_revision = '0024_additions'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('letterhead',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('hospital', sa.String(length=120), nullable=False),
    sa.Column('department', sa.String(length=120), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('registration', sa.String(length=60), nullable=False),
    sa.Column('signature', sa.String(length=200), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letterhead'))
    )
    # Both databases add such a column in place; Alembic would copy the table on SQLite.
    op.add_column('user_account', sa.Column('registration', sa.String(length=60), server_default='', nullable=False))


def downgrade() -> None:
    op.drop_column('user_account', 'registration')
    op.drop_table('letterhead')
