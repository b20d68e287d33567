"""blinded reading

Revision: 0004_blinded, after 0004_opinions; written 2026-11-21.
"""

import sqlalchemy as sa
from alembic import op

revision = '0004_blinded'
down_revision = '0004_opinions'
branch_labels = None
depends_on = None

DIAGNOSES = ('bcc', 'other_malignant', 'premalignant', 'benign', 'uncertain')
MANAGEMENTS = ('urgent_referral', 'biopsy', 'routine_clinic', 'reassure', 'retake')


def upgrade() -> None:
    with op.batch_alter_table('user_account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('reads_blinded', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table('impression',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('diagnosis', sa.Enum(*DIAGNOSES, name='diagnosis', native_enum=False, length=32), nullable=False),
    sa.Column('management', sa.Enum(*MANAGEMENTS, name='management', native_enum=False, length=32), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['case_file.id'], name=op.f('fk_impression_case_id_case_file')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_impression_user_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_impression'))
    )
    with op.batch_alter_table('impression', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_impression_case_id'), ['case_id'], unique=False)


def downgrade() -> None:
    op.drop_table('impression')
    with op.batch_alter_table('user_account', schema=None) as batch_op:
        batch_op.drop_column('reads_blinded')
