"""cases entered in error, and corrected patient references

Revision: 0023_corrections, after 0022_unread; written 2026-11-28.

On the way down a void case becomes a withdrawn one, so that nobody acts on it.
"""

import sqlalchemy as sa
from alembic import op

revision = '0023_corrections'
down_revision = '0022_unread'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('reference_correction',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('before', sa.String(length=40), nullable=False),
    sa.Column('after', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('corrected_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['case_file.id'], name=op.f('fk_reference_correction_case_id_case_file')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_reference_correction_user_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reference_correction'))
    )
    op.create_index('ix_reference_correction_case_id', 'reference_correction', ['case_id'])
    op.create_table('voiding',
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('voided_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['case_file.id'], name=op.f('fk_voiding_case_id_case_file')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_voiding_user_id_user_account')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_voiding'))
    )


def downgrade() -> None:
    op.execute(
        "UPDATE case_file SET state = 'withdrawn', withdrawal_reason = (SELECT reason FROM voiding WHERE case_id = case_file.id)"
        " WHERE state = 'voided' AND id IN (SELECT case_id FROM voiding)"
    )
    op.drop_table('voiding')
    op.drop_table('reference_correction')
