"""contradictions and other cancers in the worklist

Revision: 0004_worklist, after 0004_amendments; written 2026-11-21.

Open cases in which another cancer was suspected already move to the top at once, as new ones do.
"""

import sqlalchemy as sa
from alembic import op

revision = '0004_worklist'
down_revision = '0004_amendments'
branch_labels = None
depends_on = None

CANCERS, SUSPECTED_FROM = ('mel', 'akiec'), 0.3


def upgrade() -> None:
    with op.batch_alter_table('case_file', schema=None) as batch_op:
        batch_op.add_column(sa.Column('contradiction', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('other_cancer', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_index('ix_case_file_waiting', ['is_open', 'waiting_since', 'id'], unique=False)
    _move_up()


def _move_up() -> None:
    case = sa.table('case_file', *map(sa.column, ('id', 'needs_person', 'triage_reason', 'rank', 'other_cancer')))
    image = sa.table('image', sa.column('id'), sa.column('case_id'))
    analysis = sa.table('analysis', sa.column('image_id'), sa.column('state'), sa.column('lesion', sa.JSON()))
    statement = sa.select(image.c.case_id, analysis.c.lesion).join(image, image.c.id == analysis.c.image_id)
    connection = op.get_bind()
    suspected: dict[int, float] = {}
    for case_id, lesion in connection.execute(statement.where(analysis.c.state == 'done')):
        share = max((lesion or {}).get(code, 0.0) for code in CANCERS)
        if share >= SUSPECTED_FROM:
            suspected[case_id] = max(share, suspected.get(case_id, 0.0))
    for case_id, share in suspected.items():
        one = sa.update(case).where(case.c.id == case_id)
        connection.execute(one.values(other_cancer=sa.true()))
        placed = case.c.triage_reason == 'probability'
        rank = sa.case((case.c.rank - 2 < 1 - share, case.c.rank - 2), else_=1 - share)
        values = {'needs_person': sa.true(), 'triage_reason': 'other_cancer', 'rank': rank}
        connection.execute(one.where(placed).values(values))


def downgrade() -> None:
    op.execute("UPDATE case_file SET triage_reason = 'model_unsure' WHERE triage_reason = 'other_cancer'")
    with op.batch_alter_table('case_file', schema=None) as batch_op:
        batch_op.drop_index('ix_case_file_waiting')
        batch_op.drop_column('other_cancer')
        batch_op.drop_column('contradiction')
