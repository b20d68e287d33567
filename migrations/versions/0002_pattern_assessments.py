"""pattern assessments

Revision: 0002, after 0001; written 2026-11-21.
"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('assessment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('review_id', sa.Integer(), nullable=False),
    sa.Column('pattern', sa.Enum('PN', 'U', 'ON', 'MG', 'ML', 'SW', 'AT', name='pattern', native_enum=False, length=8), nullable=False),
    sa.Column('answer', sa.Enum('present', 'absent', 'cannot_tell', name='patternanswer', native_enum=False, length=32), nullable=False),
    sa.ForeignKeyConstraint(['review_id'], ['review.id'], name=op.f('fk_assessment_review_id_review')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assessment')),
    sa.UniqueConstraint('review_id', 'pattern', name=op.f('uq_assessment_review_id_pattern'))
    )


def downgrade() -> None:
    op.drop_table('assessment')
