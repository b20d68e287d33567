"""histology results

Revision: 0004_histology, after 0004_blinded; written 2026-11-21.
"""

import sqlalchemy as sa
from alembic import op

revision = '0004_histology'
down_revision = '0004_blinded'
branch_labels = None
depends_on = None

RESULTS = ('bcc', 'other_malignant', 'premalignant', 'benign', 'inconclusive')


def upgrade() -> None:
    op.create_table('histology',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('entered_by_id', sa.Integer(), nullable=False),
    sa.Column('result', sa.Enum(*RESULTS, name='histologyresult', native_enum=False, length=32), nullable=False),
    sa.Column('remark', sa.Text(), nullable=False),
    sa.Column('reported_on', sa.Date(), nullable=True),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['case_file.id'], name=op.f('fk_histology_case_id_case_file')),
    sa.ForeignKeyConstraint(['entered_by_id'], ['user_account.id'], name=op.f('fk_histology_entered_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_histology'))
    )
    with op.batch_alter_table('histology', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_histology_case_id'), ['case_id'], unique=False)


def downgrade() -> None:
    op.drop_table('histology')
