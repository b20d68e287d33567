"""sessions, attempts and second factors

Revision: 0010_sign_in, after 0009; written 2026-11-21.

Whoever is signed in when this is applied signs in once more.
"""

import sqlalchemy as sa
from alembic import op

revision = '0010_sign_in'
down_revision = '0009'
branch_labels = None
depends_on = None

KINDS = ('sign_in', 'present_password', 'code', 'recovery_code')


def upgrade() -> None:
    op.create_table('sign_in_session',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_sha256', sa.String(length=64), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('browser', sa.String(length=60), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_sign_in_session_user_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_session')),
    sa.UniqueConstraint('token_sha256', name=op.f('uq_sign_in_session_token_sha256'))
    )
    op.create_index(op.f('ix_sign_in_session_user_id'), 'sign_in_session', ['user_id'], unique=False)
    op.create_table('attempt',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.Enum(*KINDS, name='attemptkind', native_enum=False, length=32), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attempt'))
    )
    op.create_index('ix_attempt_account_kind', 'attempt', ['account', 'kind'], unique=False)
    op.create_index(op.f('ix_attempt_at'), 'attempt', ['at'], unique=False)
    # Both databases can add these columns in place; Alembic would copy the table on SQLite.
    op.add_column('user_account', sa.Column('tf_primary_method', sa.String(length=32), nullable=True))
    op.add_column('user_account', sa.Column('tf_totp_secret', sa.Text(), nullable=True))
    op.add_column('user_account', sa.Column('tf_last_counter', sa.Integer(), nullable=True))
    op.add_column('user_account', sa.Column('mf_recovery_codes', sa.JSON(), nullable=True))


def downgrade() -> None:
    for column in ('mf_recovery_codes', 'tf_last_counter', 'tf_totp_secret', 'tf_primary_method'):
        op.drop_column('user_account', column)
    op.drop_table('attempt')
    op.drop_table('sign_in_session')
