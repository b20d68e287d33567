"""marks on the images, for the GP

Revision: 0027_marks, after 0026_preview; written 2026-11-28.
"""

import sqlalchemy as sa
from alembic import op

revision = '0027_marks'
down_revision = '0026_preview'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('mark',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('review_id', sa.Integer(), nullable=False),
    sa.Column('image_id', sa.Integer(), nullable=False),
    sa.Column('x', sa.Double(), nullable=False),
    sa.Column('y', sa.Double(), nullable=False),
    sa.Column('text', sa.String(length=120), nullable=False),
    sa.ForeignKeyConstraint(['review_id'], ['review.id'], name=op.f('fk_mark_review_id_review')),
    sa.ForeignKeyConstraint(['image_id'], ['image.id'], name=op.f('fk_mark_image_id_image')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mark'))
    )
    op.create_index(op.f('ix_mark_review_id'), 'mark', ['review_id'], unique=False)


def downgrade() -> None:
    op.drop_table('mark')
