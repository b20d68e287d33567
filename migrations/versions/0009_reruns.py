"""re-runs of old images

Revision: 0009, after 0008; written 2026-11-21.
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

CURRENT = sa.text("state <> 'superseded'")
IN_FORCE = sa.text("state <> 'superseded' AND NOT beside")


def upgrade() -> None:
    op.create_table('rerun',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('model_version_id', sa.Integer(), nullable=False),
    sa.Column('requested_by_id', sa.Integer(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('stopped', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['model_version_id'], ['model_version.id'], name=op.f('fk_rerun_model_version_id_model_version')),
    sa.ForeignKeyConstraint(['requested_by_id'], ['user_account.id'], name=op.f('fk_rerun_requested_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rerun'))
    )
    op.create_index(op.f('ix_rerun_ended_at'), 'rerun', ['ended_at'], unique=False)
    # Both databases can add these columns in place; Alembic would copy the table on SQLite.
    op.execute('ALTER TABLE analysis ADD COLUMN beside BOOLEAN DEFAULT false NOT NULL')
    op.execute('ALTER TABLE analysis ADD COLUMN rerun_id INTEGER CONSTRAINT fk_analysis_rerun_id_rerun REFERENCES rerun (id)')
    op.create_index(op.f('ix_analysis_rerun_id'), 'analysis', ['rerun_id'], unique=False)
    op.create_index(op.f('ix_analysis_image_id'), 'analysis', ['image_id'], unique=False)
    op.drop_index('uq_analysis_current', 'analysis')
    op.create_index('uq_analysis_current', 'analysis', ['image_id'], unique=True, sqlite_where=IN_FORCE, postgresql_where=IN_FORCE)


def downgrade() -> None:
    op.execute('DELETE FROM finding WHERE analysis_id IN (SELECT id FROM analysis WHERE beside)')
    op.execute('DELETE FROM analysis WHERE beside')
    op.drop_index('uq_analysis_current', 'analysis')
    op.drop_index(op.f('ix_analysis_image_id'), 'analysis')
    op.drop_index(op.f('ix_analysis_rerun_id'), 'analysis')
    op.execute('ALTER TABLE analysis DROP COLUMN rerun_id')
    op.execute('ALTER TABLE analysis DROP COLUMN beside')
    op.create_index('uq_analysis_current', 'analysis', ['image_id'], unique=True, sqlite_where=CURRENT, postgresql_where=CURRENT)
    op.drop_table('rerun')
