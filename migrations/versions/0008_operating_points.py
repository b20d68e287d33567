"""operating points

Revision: 0008, after 0007; written 2026-11-21.
"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('operating_point_choice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('model_version_id', sa.Integer(), nullable=False),
    sa.Column('wanted', sa.Double(), nullable=False),
    sa.Column('threshold', sa.Double(), nullable=False),
    sa.Column('chosen_by_id', sa.Integer(), nullable=False),
    sa.Column('chosen_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['chosen_by_id'], ['user_account.id'], name=op.f('fk_operating_point_choice_chosen_by_id_user_account')),
    sa.ForeignKeyConstraint(['model_version_id'], ['model_version.id'], name=op.f('fk_operating_point_choice_model_version_id_model_version')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_operating_point_choice'))
    )
    with op.batch_alter_table('operating_point_choice', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_operating_point_choice_model_version_id'), ['model_version_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('operating_point_choice', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_operating_point_choice_model_version_id'))

    op.drop_table('operating_point_choice')
