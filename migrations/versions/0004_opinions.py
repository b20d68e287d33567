"""second opinions

Revision: 0004_opinions, after 0004_worklist; written 2026-11-21.
"""

import sqlalchemy as sa
from alembic import op

revision = '0004_opinions'
down_revision = '0004_worklist'
branch_labels = None
depends_on = None

DIAGNOSES = ('bcc', 'other_malignant', 'premalignant', 'benign', 'uncertain')
MANAGEMENTS = ('urgent_referral', 'biopsy', 'routine_clinic', 'reassure', 'retake')


def upgrade() -> None:
    op.create_table('opinion_request',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=False),
    sa.Column('asked_of_id', sa.Integer(), nullable=False),
    sa.Column('question', sa.Text(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['case_file.id'], name=op.f('fk_opinion_request_case_id_case_file')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['user_account.id'], name=op.f('fk_opinion_request_asked_by_id_user_account')),
    sa.ForeignKeyConstraint(['asked_of_id'], ['user_account.id'], name=op.f('fk_opinion_request_asked_of_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_opinion_request'))
    )
    with op.batch_alter_table('opinion_request', schema=None) as batch_op:
        for column in ('case_id', 'asked_by_id', 'asked_of_id'):
            batch_op.create_index(batch_op.f(f'ix_opinion_request_{column}'), [column], unique=False)
    op.create_table('opinion',
    sa.Column('request_id', sa.Integer(), nullable=False),
    sa.Column('diagnosis', sa.Enum(*DIAGNOSES, name='diagnosis', native_enum=False, length=32), nullable=False),
    sa.Column('management', sa.Enum(*MANAGEMENTS, name='management', native_enum=False, length=32), nullable=False),
    sa.Column('remark', sa.Text(), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['request_id'], ['opinion_request.id'], name=op.f('fk_opinion_request_id_opinion_request')),
    sa.PrimaryKeyConstraint('request_id', name=op.f('pk_opinion'))
    )


def downgrade() -> None:
    op.drop_table('opinion')
    op.drop_table('opinion_request')
