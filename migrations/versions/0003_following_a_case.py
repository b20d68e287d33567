"""following and sending a case

Revision: 0003, after 0002; written 2026-11-21.
"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('outcome_receipt',
    sa.Column('review_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('outcome_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['review_id'], ['review.id'], name=op.f('fk_outcome_receipt_review_id_review')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_outcome_receipt_user_id_user_account')),
    sa.PrimaryKeyConstraint('review_id', name=op.f('pk_outcome_receipt'))
    )
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_review_decided_at'), ['decided_at'], unique=False)

    with op.batch_alter_table('image', schema=None) as batch_op:
        batch_op.add_column(sa.Column('remarks', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('sent_anyway', sa.Text(), nullable=False, server_default=''))

    with op.batch_alter_table('case_file', schema=None) as batch_op:
        batch_op.add_column(sa.Column('consented_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('follows_id', sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f('ix_case_file_follows_id'), ['follows_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_case_file_follows_id_case_file'), 'case_file', ['follows_id'], ['id'])


def downgrade() -> None:
    with op.batch_alter_table('case_file', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_case_file_follows_id_case_file'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_case_file_follows_id'))
        batch_op.drop_column('follows_id')
        batch_op.drop_column('consented_at')

    with op.batch_alter_table('image', schema=None) as batch_op:
        batch_op.drop_column('sent_anyway')
        batch_op.drop_column('remarks')

    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_review_decided_at'))

    op.drop_table('outcome_receipt')
