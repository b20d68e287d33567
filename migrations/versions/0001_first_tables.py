"""first tables

Revision: 0001, after ; written 2026-11-20.
"""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('centre',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_centre')),
    sa.UniqueConstraint('name', name=op.f('uq_centre_name'))
    )
    op.create_table('model_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('weights_sha256', sa.String(length=64), nullable=False),
    sa.Column('card', sa.JSON(), nullable=False),
    sa.Column('first_used_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_model_version')),
    sa.UniqueConstraint('name', 'weights_sha256', name=op.f('uq_model_version_name_weights_sha256'))
    )
    op.create_table('user_account',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('password', sa.String(length=255), nullable=False),
    sa.Column('role', sa.Enum('gp', 'dermatologist', 'admin', name='role', native_enum=False, length=32), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('fs_uniquifier', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('invited_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('joined_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("role <> 'gp' OR centre_id IS NOT NULL", name=op.f('ck_user_account_gp_has_centre')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_user_account_centre_id_centre')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user_account')),
    sa.UniqueConstraint('email', name=op.f('uq_user_account_email')),
    sa.UniqueConstraint('fs_uniquifier', name=op.f('uq_user_account_fs_uniquifier'))
    )
    op.create_table('audit_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('action', sa.String(length=40), nullable=False),
    sa.Column('subject_type', sa.String(length=40), nullable=False),
    sa.Column('subject_id', sa.String(length=40), nullable=False),
    sa.Column('before', sa.JSON(), nullable=True),
    sa.Column('after', sa.JSON(), nullable=True),
    sa.ForeignKeyConstraint(['actor_id'], ['user_account.id'], name=op.f('fk_audit_event_actor_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_event'))
    )
    with op.batch_alter_table('audit_event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_event_at'), ['at'], unique=False)
        batch_op.create_index('ix_audit_event_subject', ['subject_type', 'subject_id'], unique=False)

    op.create_table('case_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=12), nullable=False),
    sa.Column('submission_token', sa.String(length=36), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('submitted_by_id', sa.Integer(), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Enum('submitted', 'awaiting_review', 'in_review', 'reviewed', 'closed', 'retake_requested', 'withdrawn', name='casestate', native_enum=False, length=32), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('synthetic', sa.Boolean(), nullable=False),
    sa.Column('patient_reference', sa.String(length=40), nullable=False),
    sa.Column('birth_year', sa.Integer(), nullable=True),
    sa.Column('sex', sa.Enum('female', 'male', 'other', name='sex', native_enum=False, length=32), nullable=True),
    sa.Column('phototype', sa.Integer(), nullable=True),
    sa.Column('body_site', sa.Enum('scalp', 'face', 'ear', 'neck', 'chest', 'abdomen', 'back', 'upper_limb', 'hand', 'lower_limb', 'foot', 'genital', 'other', name='bodysite', native_enum=False, length=32), nullable=False),
    sa.Column('history', sa.Text(), nullable=False),
    sa.Column('clinical_question', sa.Text(), nullable=False),
    sa.Column('urgency', sa.Enum('routine', 'soon', 'urgent', name='urgency', native_enum=False, length=32), nullable=False),
    sa.Column('needs_person', sa.Boolean(), nullable=False),
    sa.Column('triage_reason', sa.Enum('awaiting_analysis', 'model_unavailable', 'analysis_failed', 'model_unsure', 'probability', name='triagereason', native_enum=False, length=32), nullable=False),
    sa.Column('bcc_probability', sa.Double(), nullable=True),
    sa.Column('rank', sa.Double(), nullable=False),
    sa.Column('waiting_since', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('bcc_probability BETWEEN 0 AND 1', name=op.f('ck_case_file_probability_range')),
    sa.CheckConstraint('phototype BETWEEN 1 AND 6', name=op.f('ck_case_file_phototype_range')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_case_file_centre_id_centre')),
    sa.ForeignKeyConstraint(['submitted_by_id'], ['user_account.id'], name=op.f('fk_case_file_submitted_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_case_file')),
    sa.UniqueConstraint('number', name=op.f('uq_case_file_number')),
    sa.UniqueConstraint('submission_token', name=op.f('uq_case_file_submission_token'))
    )
    with op.batch_alter_table('case_file', schema=None) as batch_op:
        batch_op.create_index('ix_case_file_centre_submitted', ['centre_id', 'submitted_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_case_file_patient_reference'), ['patient_reference'], unique=False)
        batch_op.create_index('ix_case_file_worklist', ['is_open', 'rank', 'waiting_since', 'id'], unique=False)

    op.create_table('claim',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('released_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['case_file.id'], name=op.f('fk_claim_case_id_case_file')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_claim_user_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_claim'))
    )
    with op.batch_alter_table('claim', schema=None) as batch_op:
        batch_op.create_index('uq_claim_held', ['case_id'], unique=True, sqlite_where=sa.text('released_at IS NULL'), postgresql_where=sa.text('released_at IS NULL'))

    op.create_table('image',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=40), nullable=False),
    sa.Column('thumbnail_key', sa.String(length=40), nullable=False),
    sa.Column('media_type', sa.String(length=20), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('byte_size', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('stored_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['case_file.id'], name=op.f('fk_image_case_id_case_file')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_image')),
    sa.UniqueConstraint('case_id', 'position', name=op.f('uq_image_case_id_position')),
    sa.UniqueConstraint('key', name=op.f('uq_image_key')),
    sa.UniqueConstraint('thumbnail_key', name=op.f('uq_image_thumbnail_key'))
    )
    with op.batch_alter_table('image', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_image_sha256'), ['sha256'], unique=False)

    op.create_table('analysis',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('image_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('queued', 'running', 'done', 'failed', 'superseded', name='analysisstate', native_enum=False, length=32), nullable=False),
    sa.Column('failure', sa.Enum('model_unavailable', 'image_unreadable', 'timed_out', 'attempts_exhausted', 'error', name='failurereason', native_enum=False, length=32), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('lease_owner', sa.String(length=80), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('heartbeat_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('queued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('model_version_id', sa.Integer(), nullable=True),
    sa.Column('preprocessing', sa.String(length=40), nullable=True),
    sa.Column('bcc_probability', sa.Double(), nullable=True),
    sa.Column('bcc', sa.Boolean(), nullable=True),
    sa.Column('needs_person', sa.Boolean(), nullable=True),
    sa.Column('reasons', sa.JSON(), nullable=False),
    sa.Column('lesion', sa.JSON(), nullable=False),
    sa.Column('region', sa.JSON(), nullable=False),
    sa.CheckConstraint('bcc_probability BETWEEN 0 AND 1', name=op.f('ck_analysis_probability_range')),
    sa.ForeignKeyConstraint(['image_id'], ['image.id'], name=op.f('fk_analysis_image_id_image')),
    sa.ForeignKeyConstraint(['model_version_id'], ['model_version.id'], name=op.f('fk_analysis_model_version_id_model_version')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_analysis'))
    )
    with op.batch_alter_table('analysis', schema=None) as batch_op:
        batch_op.create_index('ix_analysis_state_lease', ['state', 'lease_until'], unique=False)
        batch_op.create_index('uq_analysis_current', ['image_id'], unique=True, sqlite_where=sa.text("state <> 'superseded'"), postgresql_where=sa.text("state <> 'superseded'"))

    op.create_table('review',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('reviewer_id', sa.Integer(), nullable=False),
    sa.Column('claim_id', sa.Integer(), nullable=False),
    sa.Column('diagnosis', sa.Enum('bcc', 'other_malignant', 'premalignant', 'benign', 'uncertain', name='diagnosis', native_enum=False, length=32), nullable=False),
    sa.Column('management', sa.Enum('urgent_referral', 'biopsy', 'routine_clinic', 'reassure', name='management', native_enum=False, length=32), nullable=False),
    sa.Column('advice', sa.Text(), nullable=False),
    sa.Column('override_reason', sa.Text(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['case_file.id'], name=op.f('fk_review_case_id_case_file')),
    sa.ForeignKeyConstraint(['claim_id'], ['claim.id'], name=op.f('fk_review_claim_id_claim')),
    sa.ForeignKeyConstraint(['reviewer_id'], ['user_account.id'], name=op.f('fk_review_reviewer_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_review')),
    sa.UniqueConstraint('claim_id', name=op.f('uq_review_claim_id'))
    )
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_review_case_id'), ['case_id'], unique=False)

    op.create_table('finding',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('analysis_id', sa.Integer(), nullable=False),
    sa.Column('target', sa.String(length=8), nullable=False),
    sa.Column('probability', sa.Double(), nullable=False),
    sa.Column('present', sa.Boolean(), nullable=False),
    sa.Column('strength', sa.Double(), nullable=True),
    sa.Column('peak_x', sa.Double(), nullable=True),
    sa.Column('peak_y', sa.Double(), nullable=True),
    sa.Column('extent', sa.Double(), nullable=True),
    sa.Column('heatmap_key', sa.String(length=40), nullable=True),
    sa.CheckConstraint('probability BETWEEN 0 AND 1', name=op.f('ck_finding_probability_range')),
    sa.ForeignKeyConstraint(['analysis_id'], ['analysis.id'], name=op.f('fk_finding_analysis_id_analysis')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_finding')),
    sa.UniqueConstraint('analysis_id', 'target', name=op.f('uq_finding_analysis_id_target')),
    sa.UniqueConstraint('heatmap_key', name=op.f('uq_finding_heatmap_key'))
    )


def downgrade() -> None:
    op.drop_table('finding')
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_review_case_id'))

    op.drop_table('review')
    with op.batch_alter_table('analysis', schema=None) as batch_op:
        batch_op.drop_index('uq_analysis_current', sqlite_where=sa.text("state <> 'superseded'"), postgresql_where=sa.text("state <> 'superseded'"))
        batch_op.drop_index('ix_analysis_state_lease')

    op.drop_table('analysis')
    with op.batch_alter_table('image', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_image_sha256'))

    op.drop_table('image')
    with op.batch_alter_table('claim', schema=None) as batch_op:
        batch_op.drop_index('uq_claim_held', sqlite_where=sa.text('released_at IS NULL'), postgresql_where=sa.text('released_at IS NULL'))

    op.drop_table('claim')
    with op.batch_alter_table('case_file', schema=None) as batch_op:
        batch_op.drop_index('ix_case_file_worklist')
        batch_op.drop_index(batch_op.f('ix_case_file_patient_reference'))
        batch_op.drop_index('ix_case_file_centre_submitted')

    op.drop_table('case_file')
    with op.batch_alter_table('audit_event', schema=None) as batch_op:
        batch_op.drop_index('ix_audit_event_subject')
        batch_op.drop_index(batch_op.f('ix_audit_event_at'))

    op.drop_table('audit_event')
    op.drop_table('user_account')
    op.drop_table('model_version')
    op.drop_table('centre')
