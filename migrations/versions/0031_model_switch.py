"""the model's off-switch

Revision: 0031_model_switch, after 0030_reference; written 2026-11-28.

Without a row it is on.
"""

import sqlalchemy as sa
from alembic import op

revision = '0031_model_switch'
down_revision = '0030_reference'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('model_switch',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('off', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('switched_by_id', sa.Integer(), nullable=False),
    sa.Column('switched_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('placed_up_to', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['switched_by_id'], ['user_account.id'], name=op.f('fk_model_switch_switched_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_model_switch'))
    )


def downgrade() -> None:
    op.drop_table('model_switch')
