"""management options

Revision: 0007, after 0006; written 2026-11-21.
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('management_option',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('management', sa.Enum('urgent_referral', 'biopsy', 'routine_clinic', 'reassure', 'retake', name='management', native_enum=False, length=32), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('reassuring', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_management_option')),
    sa.UniqueConstraint('management', name=op.f('uq_management_option_management'))
    )


def downgrade() -> None:
    op.drop_table('management_option')
