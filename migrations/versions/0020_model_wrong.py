"""a reader's word that the model was wrong

Revision: 0020_model_wrong, after 0017_three_cancers; written 2026-11-28.
"""

from alembic import op

revision = '0020_model_wrong'
down_revision = '0019_withdrawal_reason'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('ALTER TABLE review ADD COLUMN model_wrong BOOLEAN DEFAULT false NOT NULL')


def downgrade() -> None:
    op.execute('ALTER TABLE review DROP COLUMN model_wrong')
