"""taking a claim over

Revision: 0004_take_over, after 0003; written 2026-11-21.
"""

import sqlalchemy as sa
from alembic import op

revision = '0004_take_over'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('claim', schema=None) as batch_op:
        batch_op.add_column(sa.Column('took_over_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('reason', sa.Text(), nullable=False, server_default=''))
        batch_op.create_foreign_key(batch_op.f('fk_claim_took_over_id_claim'), 'claim', ['took_over_id'], ['id'])


def downgrade() -> None:
    with op.batch_alter_table('claim', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_claim_took_over_id_claim'), type_='foreignkey')
        batch_op.drop_column('reason')
        batch_op.drop_column('took_over_id')
