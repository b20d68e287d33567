"""who has opened an answer, and who has not, person by person

Revision: 0022_unread, after 0021_responsible; written 2026-11-28.

Answers that were opened before count as opened by everybody at the centre.
"""

import sqlalchemy as sa
from alembic import op

revision = '0022_unread'
down_revision = '0021_responsible'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _key_of_receipts('review_id', 'user_id')
    op.create_table('unread_case',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['case_file.id'], name=op.f('fk_unread_case_case_id_case_file')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_unread_case_user_id_user_account')),
    sa.PrimaryKeyConstraint('user_id', 'case_id', name=op.f('pk_unread_case'))
    )
    op.create_index('ix_unread_case_case_id', 'unread_case', ['case_id'])


def downgrade() -> None:
    op.drop_table('unread_case')
    op.execute(
        'DELETE FROM outcome_receipt WHERE EXISTS (SELECT 1 FROM outcome_receipt AS earlier'
        ' WHERE earlier.review_id = outcome_receipt.review_id AND (earlier.outcome_seen_at < outcome_receipt.outcome_seen_at'
        ' OR earlier.outcome_seen_at = outcome_receipt.outcome_seen_at AND earlier.user_id < outcome_receipt.user_id))'
    )
    _key_of_receipts('review_id')


def _key_of_receipts(*columns: str) -> None:
    with op.batch_alter_table('outcome_receipt', recreate='auto') as batch_op:
        batch_op.drop_constraint('pk_outcome_receipt', type_='primary')
        batch_op.create_primary_key('pk_outcome_receipt', list(columns))
