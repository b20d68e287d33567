"""lists that stay fast: indexes, unread answers, searchable references

Revision: 0012_scale, after 0011_audit_chain; written 2026-11-21.

Both databases add these columns in place; Alembic would copy the tables on SQLite.
"""

import sqlalchemy as sa
from alembic import op

revision = '0012_scale'
down_revision = '0011_audit_chain'
branch_labels = None
depends_on = None

PORTION = 10_000
OPEN = {'sqlite_where': sa.text('is_open = 1'), 'postgresql_where': sa.text('is_open')}
INDEXES = {
    'ix_case_file_submitted_at': ('case_file', ['submitted_at'], {}),
    'ix_case_file_centre': ('case_file', ['centre_id', 'id'], {}),
    'ix_case_file_centre_state': ('case_file', ['centre_id', 'state', 'id'], {}),
    'ix_case_file_centre_number': ('case_file', ['centre_id', 'number'], {}),
    'ix_case_file_centre_patient': ('case_file', ['centre_id', 'patient_reference', 'id'], {}),
    'ix_case_file_centre_reference': ('case_file', ['centre_id', 'reference_key'], {}),
    'ix_case_file_centre_reversed': ('case_file', ['centre_id', 'reference_reversed'], {}),
    'ix_case_file_unread': ('case_file', ['centre_id', 'id'], {'sqlite_where': sa.text('unread = 1'), 'postgresql_where': sa.text('unread')}),
    'ix_case_file_open_centre': ('case_file', ['is_open', 'centre_id', 'rank', 'waiting_since', 'id'], OPEN),
    'ix_case_file_open_state': ('case_file', ['is_open', 'state', 'rank', 'waiting_since', 'id'], OPEN),
    'ix_case_file_open_urgency': ('case_file', ['is_open', 'urgency', 'waiting_since', 'id'], OPEN),
    'ix_case_file_open_person': ('case_file', ['is_open', 'needs_person', 'rank', 'waiting_since', 'id'], {'sqlite_where': sa.text('is_open = 1 AND needs_person = 1'), 'postgresql_where': sa.text('is_open AND needs_person')}),
    'ix_case_file_open_contradiction': ('case_file', ['is_open', 'contradiction', 'rank', 'waiting_since', 'id'], {'sqlite_where': sa.text('is_open = 1 AND contradiction = 1'), 'postgresql_where': sa.text('is_open AND contradiction')}),
    'ix_case_file_open_other_cancer': ('case_file', ['is_open', 'other_cancer', 'rank', 'waiting_since', 'id'], {'sqlite_where': sa.text('is_open = 1 AND other_cancer = 1'), 'postgresql_where': sa.text('is_open AND other_cancer')}),
    'ix_analysis_queued': ('analysis', ['queued_at', 'id'], {'sqlite_where': sa.text("state = 'queued'"), 'postgresql_where': sa.text("state = 'queued'")}),
    'ix_analysis_failed': ('analysis', ['failure', 'finished_at'], {'sqlite_where': sa.text("state = 'failed'"), 'postgresql_where': sa.text("state = 'failed'")}),
    'ix_analysis_rerun': ('analysis', ['rerun_id', 'state'], {}),
    'ix_analysis_rerun_image': ('analysis', ['rerun_id', 'image_id'], {}),
    'ix_analysis_version': ('analysis', ['model_version_id', 'finished_at'], {}),
    'ix_claim_case_id': ('claim', ['case_id'], {}),
    'ix_review_decided': ('review', ['decided_at', 'case_id'], {}),
    'ix_review_reviewer': ('review', ['reviewer_id', 'id'], {}),
    'ix_audit_event_moment': ('audit_event', ['at', 'id'], {}),
    'ix_audit_event_actor': ('audit_event', ['actor_id', 'id'], {}),
    'ix_audit_event_action': ('audit_event', ['action', 'id'], {}),
    'ix_opinion_request_asked_of': ('opinion_request', ['asked_of_id', 'answered_at', 'id'], {}),
    'ix_opinion_request_asked_by': ('opinion_request', ['asked_by_id', 'seen_at', 'answered_at', 'id'], {}),
}
REPLACED = {
    'ix_case_file_patient_reference': ('case_file', ['patient_reference']),
    'ix_analysis_rerun_id': ('analysis', ['rerun_id']),
    'ix_review_decided_at': ('review', ['decided_at']),
    'ix_audit_event_at': ('audit_event', ['at']),
    'ix_opinion_request_asked_of_id': ('opinion_request', ['asked_of_id']),
    'ix_opinion_request_asked_by_id': ('opinion_request', ['asked_by_id']),
}


def upgrade() -> None:
    bytewise = ' COLLATE "C"' if op.get_bind().dialect.name == 'postgresql' else ''
    moment = 'TIMESTAMP WITH TIME ZONE' if bytewise else 'DATETIME'
    op.execute('ALTER TABLE case_file ADD COLUMN unread BOOLEAN DEFAULT false NOT NULL')
    op.execute(f"ALTER TABLE case_file ADD COLUMN reference_key VARCHAR(40){bytewise} DEFAULT '' NOT NULL")
    op.execute(f"ALTER TABLE case_file ADD COLUMN reference_reversed VARCHAR(40){bytewise} DEFAULT '' NOT NULL")
    op.execute(f'ALTER TABLE opinion_request ADD COLUMN answered_at {moment}')
    op.execute('ALTER TABLE rerun ADD COLUMN images INTEGER DEFAULT 0 NOT NULL')
    _fill_in()
    for name, (table, _columns) in REPLACED.items():
        op.drop_index(name, table)
    for name, (table, columns, options) in INDEXES.items():
        op.create_index(name, table, columns, **options)


def _fill_in() -> None:
    op.execute(
        "UPDATE case_file SET unread = true WHERE state = 'reviewed' AND NOT EXISTS (SELECT 1 FROM outcome_receipt"
        ' WHERE review_id = (SELECT max(review.id) FROM review WHERE review.case_id = case_file.id'
        ' AND NOT EXISTS (SELECT 1 FROM retraction WHERE retraction.review_id = review.id)))'
    )
    op.execute(
        'UPDATE opinion_request SET answered_at ='
        ' (SELECT given_at FROM opinion WHERE opinion.request_id = opinion_request.id)'
    )
    op.execute(
        'UPDATE rerun SET images = (SELECT count(*) FROM analysis WHERE analysis.rerun_id = rerun.id)'
    )
    case = sa.table('case_file', *map(sa.column, ('id', 'patient_reference', 'reference_key', 'reference_reversed')))
    connection, last = op.get_bind(), 0
    change = sa.update(case).where(case.c.id == sa.bindparam('case_id'))
    change = change.values(reference_key=sa.bindparam('forwards'), reference_reversed=sa.bindparam('backwards'))
    statement = sa.select(case.c.id, case.c.patient_reference).order_by(case.c.id).limit(PORTION)
    while rows := connection.execute(statement.where(case.c.id > last)).all():
        keys = [(case_id, reference.casefold()[:40]) for case_id, reference in rows]
        connection.execute(change, [{'case_id': i, 'forwards': key, 'backwards': key[::-1]} for i, key in keys])
        last = rows[-1].id


def downgrade() -> None:
    for name, (table, _columns, _options) in INDEXES.items():
        op.drop_index(name, table)
    for name, (table, columns) in REPLACED.items():
        op.create_index(name, table, columns)
    op.execute('ALTER TABLE rerun DROP COLUMN images')
    op.execute('ALTER TABLE opinion_request DROP COLUMN answered_at')
    for column in ('reference_reversed', 'reference_key', 'unread'):
        op.execute(f'ALTER TABLE case_file DROP COLUMN {column}')
