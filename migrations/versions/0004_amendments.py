"""decisions taken back and amended

Revision: 0004_amendments, after 0004_take_over; written 2026-11-21.
"""

import sqlalchemy as sa
from alembic import op

revision = '0004_amendments'
down_revision = '0004_take_over'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('retraction',
    sa.Column('review_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('retracted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['review_id'], ['review.id'], name=op.f('fk_retraction_review_id_review')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_retraction_user_id_user_account')),
    sa.PrimaryKeyConstraint('review_id', name=op.f('pk_retraction'))
    )
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.add_column(sa.Column('amends_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('amendment_reason', sa.Text(), nullable=False, server_default=''))
        batch_op.alter_column('claim_id', existing_type=sa.Integer(), nullable=True)
        batch_op.create_foreign_key(batch_op.f('fk_review_amends_id_review'), 'review', ['amends_id'], ['id'])


def downgrade() -> None:
    op.execute("DELETE FROM assessment WHERE review_id IN (SELECT id FROM review WHERE claim_id IS NULL)")
    op.execute("DELETE FROM outcome_receipt WHERE review_id IN (SELECT id FROM review WHERE claim_id IS NULL)")
    op.execute("DELETE FROM retraction")
    op.execute("UPDATE review SET amends_id = NULL")
    op.execute("DELETE FROM review WHERE claim_id IS NULL")
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_review_amends_id_review'), type_='foreignkey')
        batch_op.alter_column('claim_id', existing_type=sa.Integer(), nullable=False)
        batch_op.drop_column('amendment_reason')
        batch_op.drop_column('amends_id')

    op.drop_table('retraction')
