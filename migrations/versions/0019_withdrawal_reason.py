"""why a case was withdrawn

Revision: 0019_withdrawal_reason, after 0018_search; written 2026-11-28.

Cases withdrawn before gave no reason.
"""

from alembic import op

revision = '0019_withdrawal_reason'
down_revision = '0018_search'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE case_file ADD COLUMN withdrawal_reason TEXT DEFAULT '' NOT NULL")


def downgrade() -> None:
    op.execute('ALTER TABLE case_file DROP COLUMN withdrawal_reason')
