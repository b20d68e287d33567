"""which GP follows a case

Revision: 0021_responsible, after 0020_model_wrong; written 2026-11-28.

Until now that was whoever sent it.
"""

from alembic import op

revision = '0021_responsible'
down_revision = '0020_model_wrong'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Both databases add and drop such a column in place; Alembic would copy the table on SQLite.
    points = 'CONSTRAINT fk_case_file_responsible_id_user_account REFERENCES user_account (id)'
    op.execute(f'ALTER TABLE case_file ADD COLUMN responsible_id INTEGER {points}')
    op.execute('UPDATE case_file SET responsible_id = submitted_by_id')


def downgrade() -> None:
    op.execute('ALTER TABLE case_file DROP COLUMN responsible_id')
