"""cases called back after their decision

Revision: 0004_recall, after 0004_histology; written 2026-11-21.
"""

import sqlalchemy as sa
from alembic import op

revision = '0004_recall'
down_revision = '0004_histology'
branch_labels = None
depends_on = None

REASONS = ('late_result', 'histology', 'second_opinion')


def upgrade() -> None:
    reason = sa.Enum(*REASONS, name='recallreason', native_enum=False, length=32)
    with op.batch_alter_table('case_file', schema=None) as batch_op:
        batch_op.add_column(sa.Column('recalled', reason, nullable=True))
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.add_column(sa.Column('recall', reason, nullable=True))


def downgrade() -> None:
    op.execute("UPDATE case_file SET triage_reason = 'model_unsure' WHERE triage_reason = 'recalled'")
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.drop_column('recall')
    with op.batch_alter_table('case_file', schema=None) as batch_op:
        batch_op.drop_column('recalled')
