"""open cases are placed by a chosen operating point in portions

Revision: 0016_placing, after 0015_known_suspicions; written 2026-11-27.
"""

from alembic import op

revision = '0016_placing'
down_revision = '0015_known_suspicions'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('ALTER TABLE operating_point_choice ADD COLUMN placed_up_to INTEGER')


def downgrade() -> None:
    op.execute('ALTER TABLE operating_point_choice DROP COLUMN placed_up_to')
