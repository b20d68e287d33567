"""side and surface of the body site, size of the lesion

Revision: 0029_site, after 0028_image_scale; written 2026-11-28.

Cases sent before say neither.
"""

from alembic import op

revision = '0029_site'
down_revision = '0028_image_scale'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('ALTER TABLE case_file ADD COLUMN side VARCHAR(32)')
    op.execute('ALTER TABLE case_file ADD COLUMN surface VARCHAR(32)')
    number = 'DOUBLE PRECISION' if op.get_bind().dialect.name == 'postgresql' else 'DOUBLE'
    op.execute(
        f'ALTER TABLE case_file ADD COLUMN size_mm {number} CONSTRAINT ck_case_file_size_range CHECK (size_mm BETWEEN 0.5 AND 300)'
    )


def downgrade() -> None:
    for column in ('size_mm', 'surface', 'side'):
        op.execute(f'ALTER TABLE case_file DROP COLUMN {column}')
