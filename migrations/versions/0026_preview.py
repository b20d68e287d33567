"""an image at the size of a screen, beside the whole one and the thumbnail

Revision: 0026_preview, after 0025_letterhead; written 2026-11-28.

Images sent before have none: the whole one is sent instead.
"""

from alembic import op

revision = '0026_preview'
down_revision = '0025_letterhead'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('ALTER TABLE image ADD COLUMN preview_key VARCHAR(40)')
    op.create_index(op.f('ix_image_preview_key'), 'image', ['preview_key'], unique=True)


def downgrade() -> None:
    op.drop_index(op.f('ix_image_preview_key'), 'image')
    op.execute('ALTER TABLE image DROP COLUMN preview_key')
