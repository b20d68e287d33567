"""what GPs add to waiting cases

Revision: 0024_additions, after 0023_corrections; written 2026-11-28.
"""

import sqlalchemy as sa
from alembic import op

revision = '0024_additions'
down_revision = '0023_corrections'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('addition',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('token', sa.String(length=36), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('positions', sa.JSON(), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['case_file.id'], name=op.f('fk_addition_case_id_case_file')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_addition_user_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_addition')),
    sa.UniqueConstraint('case_id', 'token', name=op.f('uq_addition_case_id_token'))
    )


def downgrade() -> None:
    op.drop_table('addition')
