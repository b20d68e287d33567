"""patient references of all centres searched by index

Revision: 0018_search, after 0017_three_cancers; written 2026-11-28.
"""

from alembic import op

revision = '0018_search'
down_revision = '0017_three_cancers'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_case_file_reference', 'case_file', ['reference_key'])
    op.create_index('ix_case_file_reversed', 'case_file', ['reference_reversed'])


def downgrade() -> None:
    op.drop_index('ix_case_file_reversed', table_name='case_file')
    op.drop_index('ix_case_file_reference', table_name='case_file')
