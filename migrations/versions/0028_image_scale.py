"""the scale of an image, where a reader has measured something of known length

Revision: 0028_image_scale, after 0027_marks; written 2026-11-28.

No image sent before has one.
"""

import sqlalchemy as sa
from alembic import op

revision = '0028_image_scale'
down_revision = '0027_marks'
branch_labels = None
depends_on = None

NAME = 'fk_image_scale_set_by_id_user_account'


def upgrade() -> None:
    number, moment = (kind.compile(op.get_bind().dialect) for kind in (sa.Double(), sa.DateTime(timezone=True)))
    op.execute(f'ALTER TABLE image ADD COLUMN mm_per_pixel {number}')
    op.execute(f'ALTER TABLE image ADD COLUMN scale_set_by_id INTEGER CONSTRAINT {NAME} REFERENCES user_account (id)')
    op.execute(f'ALTER TABLE image ADD COLUMN scale_set_at {moment}')


def downgrade() -> None:
    for column in ('scale_set_at', 'scale_set_by_id', 'mm_per_pixel'):
        op.execute(f'ALTER TABLE image DROP COLUMN {column}')
