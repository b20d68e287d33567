"""what the reader of a decision knew

Revision: 0015_known_suspicions, after 0014_vocabulary; written 2026-11-27.
"""

from alembic import op

revision = '0015_known_suspicions'
down_revision = '0014_vocabulary'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('ALTER TABLE review ADD COLUMN known_suspicions JSON')


def downgrade() -> None:
    op.execute("UPDATE case_file SET reopened = 'histology' WHERE reopened = 'histology_corrected'")
    op.execute("UPDATE review SET reopened = 'histology' WHERE reopened = 'histology_corrected'")
    op.execute('ALTER TABLE review DROP COLUMN known_suspicions')
