"""one rule of doubt: open cases are placed anew

Revision: 0013_triage, after 0012_scale; written 2026-11-27.

The rule as it stood on that day, in plain SQL and Python: later changes of the program don't change this migration. An
image without a trusted result counts as certain. Target dates are left to the program, which knows its settings: the
worker lifts what is past its date within seconds of its start.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = '0013_triage'
down_revision = '0012_scale'
branch_labels = None
depends_on = None

PORTION = 1000
DAYS = {'urgent': 2, 'soon': 7, 'routine': 14}
MELANOMA_FROM = 0.3
WHERE = {'sqlite_where': sa.text('is_open = 1 AND past_due = 0'), 'postgresql_where': sa.text('is_open AND NOT past_due')}

CASES = sa.text(
    'SELECT id, urgency, waiting_since, recalled FROM case_file WHERE is_open AND id > :last ORDER BY id LIMIT :portion'
).columns(id=sa.Integer, urgency=sa.String, waiting_since=sa.DateTime(timezone=True), recalled=sa.String)
RESULTS = sa.text(
    'SELECT image.case_id, analysis.state, analysis.bcc_probability, analysis.bcc, analysis.needs_person, analysis.lesion,'
    ' analysis.failure, analysis.model_version_id FROM image LEFT JOIN analysis ON analysis.image_id = image.id'
    " AND analysis.state <> 'superseded' AND NOT analysis.beside JOIN case_file ON case_file.id = image.case_id"
    ' WHERE case_file.is_open AND case_file.id > :first AND case_file.id <= :last'
).columns(
    case_id=sa.Integer, state=sa.String, bcc_probability=sa.Float, bcc=sa.Boolean, needs_person=sa.Boolean,
    lesion=sa.JSON, failure=sa.String, model_version_id=sa.Integer,
)
PLACE = sa.text(
    'UPDATE case_file SET rank = :rank, needs_person = :needs_person, triage_reason = :reason, other_cancer = :other,'
    ' bcc_probability = :bcc WHERE id = :id'
)


def upgrade() -> None:
    op.execute('ALTER TABLE case_file ADD COLUMN past_due BOOLEAN DEFAULT false NOT NULL')
    op.create_index(
        'ix_case_file_open_not_past_due', 'case_file', ['is_open', 'past_due', 'urgency', 'waiting_since', 'id'], **WHERE
    )
    op.execute(
        "UPDATE case_file SET triage_reason = 'probability', needs_person = false"
        " WHERE NOT is_open AND triage_reason IN ('other_cancer', 'recalled')"
    )
    connection, last = op.get_bind(), 0
    thresholds = _thresholds(connection)
    while cases := connection.execute(CASES, {'last': last, 'portion': PORTION}).all():
        results = {case.id: [] for case in cases}
        for row in connection.execute(RESULTS, {'first': last, 'last': cases[-1].id}):
            results[row.case_id].append(row)
        connection.execute(PLACE, [_placed(case, results[case.id], thresholds) for case in cases])
        last = cases[-1].id


def _thresholds(connection: sa.Connection) -> dict[int, float]:
    """Of each model version: the operating point chosen last, else the default one of its card."""
    version = sa.table('model_version', sa.column('id'), sa.column('card', sa.JSON))
    found = {}
    for version_id, card in connection.execute(sa.select(version.c.id, version.c.card)):
        target = next((one for one in card.get('targets', []) if one['code'] == 'BCC'), {})
        points = {point.get('wanted', point.get('target_sensitivity')): point['threshold'] for point in target.get('operating_points', [])}
        if target.get('default_sensitivity') in points:
            found[version_id] = points[target['default_sensitivity']]
    chosen = sa.text('SELECT model_version_id, threshold FROM operating_point_choice ORDER BY id')
    return found | {version_id: threshold for version_id, threshold in connection.execute(chosen)}


def _placed(case: sa.Row, results: list[sa.Row], thresholds: dict[int, float]) -> dict[str, object]:
    done = [result for result in results if result.state == 'done']
    known = [result.bcc_probability for result in done if result.bcc_probability is not None]
    melanoma = [share for result in done if (share := (result.lesion or {}).get('mel')) is not None]
    reason = _reason(results)
    trusted = reason == 'probability'
    complete = bool(results) and len(known) == len(results)
    concern = max([*known, *melanoma]) if trusted else 1.0
    bcc = [p for result in done if (p := result.bcc_probability) is not None and _suspects(result, thresholds)]
    skin_cancer = any(share >= MELANOMA_FROM for share in melanoma)
    if case.recalled or case.urgency == 'urgent' or skin_cancer:
        day = (_utc(case.waiting_since) + timedelta(days=DAYS[case.urgency]) - datetime(1970, 1, 1, tzinfo=UTC)).days
        rank = 1 + (0.0 if case.recalled else 0.5) + 0.5 * (day + _descending(concern)) / 2.0**17
    elif not trusted:
        rank = 2 + (_descending(max([*known, *melanoma])) if complete else 0.0)
    else:
        rank = 3 + _descending(max(known)) if bcc else 4 + _descending(concern)
    return {
        'id': case.id,
        'rank': rank,
        'needs_person': not trusted,
        'reason': reason,
        'other': skin_cancer,
        'bcc': max(known, default=None),
    }


def _suspects(result: sa.Row, thresholds: dict[int, float]) -> bool:
    threshold = thresholds.get(result.model_version_id)
    return bool(result.bcc) if threshold is None else result.bcc_probability >= threshold


def _reason(results: list[sa.Row]) -> str:
    if not results or any(result.state in (None, 'queued', 'running') for result in results):
        return 'awaiting_analysis'
    failures = [result.failure for result in results if result.state == 'failed']
    if failures:
        return 'model_unavailable' if 'model_unavailable' in failures else 'analysis_failed'
    unsure = any(result.needs_person is not False or result.bcc_probability is None for result in results)
    return 'model_unsure' if unsure else 'probability'


def _descending(probability: float) -> float:
    return 0.0005 + 0.999 * (1.0 - probability)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def downgrade() -> None:
    """Back to 0.0 … 1.0 for "needs a person" and 2.0 … 3.0 by P(BCC)."""
    op.execute("UPDATE histology SET result = 'premalignant' WHERE result = 'in_situ'")
    op.execute(
        'UPDATE case_file SET rank = CASE WHEN recalled IS NOT NULL THEN 0.0'
        ' WHEN needs_person THEN 1.0 - COALESCE(bcc_probability, 1.0) ELSE 3.0 - COALESCE(bcc_probability, 1.0) END'
        ' WHERE is_open'
    )
    op.drop_index('ix_case_file_open_not_past_due', 'case_file')
    op.execute('ALTER TABLE case_file DROP COLUMN past_due')
