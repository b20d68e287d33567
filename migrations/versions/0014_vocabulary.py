"""one word for one thing: re-opened, shadow, quality flag, target sensitivity

Revision: 0014_vocabulary, after 0013_triage; written 2026-11-27.

Both databases rename a column in its indexes and checks as well.
"""

from alembic import op

revision = '0014_vocabulary'
down_revision = '0013_triage'
branch_labels = None
depends_on = None

NAMES = (
    ('case_file', 'recalled', 'reopened'),
    ('review', 'recall', 'reopened'),
    ('analysis', 'beside', 'shadow'),
    ('image', 'remarks', 'quality_flags'),
    ('operating_point_choice', 'wanted', 'target_sensitivity'),
)


def upgrade() -> None:
    for table, old, new in NAMES:
        op.execute(f'ALTER TABLE {table} RENAME COLUMN {old} TO {new}')


def downgrade() -> None:
    for table, old, new in NAMES:
        op.execute(f'ALTER TABLE {table} RENAME COLUMN {new} TO {old}')
