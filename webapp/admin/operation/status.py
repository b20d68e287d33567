"""Is everything working? Each part of the program answers in one plain sentence."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from webapp.admin.operation import queries
from webapp.admin.queries import centres_without_a_gp
from webapp.analysis import queries as analyses
from webapp.analysis import queue
from webapp.core import fonts
from webapp.core.filters import ago
from webapp.core.version import VERSION
from webapp.models import FailureReason, Worker, utcnow
from webapp.storage.store import current_store
from webapp.triage import switch
from webapp.triage.risk import joined

SILENT_AFTER = timedelta(seconds=30)
LONG_WAIT = timedelta(minutes=5)
RECENT = timedelta(days=7)
SCARCE_BYTES, SCARCE_SHARE = 5 * 10**9, 0.1
START = "Start one with: flask --app wsgi worker"


class Health(StrEnum):
    GOOD = "good"
    ATTENTION = "attention"
    BAD = "bad"

    @property
    def label(self) -> str:
        return {"good": "Working", "attention": "Needs attention", "bad": "Not working"}[self.value]


@dataclass(frozen=True)
class Check:
    """One part of the program: how it is, and what to do if it is not well; ``code`` is shown verbatim."""

    title: str
    health: Health
    sentence: str
    code: str = ""


def checks() -> list[Check]:
    at_work = queries.workers_since(utcnow() - SILENT_AFTER)
    return [
        _worker(at_work),
        _model(at_work[0] if at_work else queries.last_worker()),
        _waiting(),
        _failures(),
        _queue(),
        _disk(),
        _report(),
        *_unfollowed(),
    ]


def _worker(at_work: list[Worker]) -> Check:
    if other := sorted({worker.release for worker in at_work} - {VERSION}):
        names = ", ".join(name or "an earlier one" for name in other)
        text = f"A worker of another release ({names}; this is {VERSION}) takes no new work. Restart it."
        return Check("Worker", Health.ATTENTION, text)
    if at_work:
        text = f"{_count(len(at_work), 'worker')} running, last seen {ago(at_work[0].seen_at)} ago."
        return Check("Worker", Health.GOOD, text)
    last = queries.last_worker()
    since = f"for {ago(last.seen_at)}" if last else "yet"
    text = f"No worker has been seen {since}. New cases wait, not analysed, among those that need a person. {START}"
    return Check("Worker", Health.BAD, text)


def _model(worker: Worker | None) -> Check:
    off = switch.off()
    if off is not None:
        text = f"Switched off {ago(off.since)} ago by {off.by}: {off.reason}"
        return Check("Model", Health.ATTENTION, text)
    if worker is None:
        return Check("Model", Health.ATTENTION, "No worker has reported its model yet.")
    if worker.model_error:
        text = f"The model could not be loaded, so every new case needs a person. {worker.model_error}"
        return Check("Model", Health.BAD, text)
    if worker.model_version is None:
        return Check("Model", Health.ATTENTION, "The worker is still loading its model.")
    version = worker.model_version
    return Check("Model", Health.GOOD, f"{version.name} is loaded. SHA-256 of its weights:", version.weights_sha256)


def _waiting() -> Check:
    count, oldest = analyses.waiting()
    if oldest is None:
        return Check("Waiting analyses", Health.GOOD, "No images are waiting for analysis.")
    if switch.is_off():
        text = f"{_count(count, 'image')} without a result until the model is switched on again."
        return Check("Waiting analyses", Health.GOOD, text)
    late = oldest < utcnow() - LONG_WAIT
    text = f"{_count(count, 'image')} without a result; the oldest was sent {ago(oldest)} ago."
    return Check("Waiting analyses", Health.ATTENTION if late else Health.GOOD, text)


def _failures() -> Check:
    found = queries.failures_since(utcnow() - RECENT)
    if not found:
        return Check("Failed analyses", Health.GOOD, "No analyses of open cases have failed in the last 7 days.")
    total = sum(count for _reason, count in found)
    reasons = " ".join(f"{count} ×: {(reason or FailureReason.ERROR).sentence}" for reason, count in found)
    text = f"{_count(total, 'analysis', 'analyses')} of open cases failed in the last 7 days. {reasons}"
    return Check("Failed analyses", Health.ATTENTION, f"{text} These cases need a person.")


def _queue() -> Check:
    try:
        pending = queue.pending_count()
    except Exception:  # any broker's own error
        text = f"The queue ({queue.kind()}) is not responding. No upload is lost: it will be queued again later."
        return Check("Queue", Health.BAD, text)
    return Check("Queue", Health.GOOD, f"The queue is {queue.kind()}; {_count(pending, 'message')} waiting.")


def _disk() -> Check:
    room = current_store().space()
    if room is None:
        text = "Images are in an object store, which does not report free space. Check this with whoever runs it."
        return Check("Disk", Health.GOOD, text)
    free, total = room
    scarce = free < SCARCE_BYTES or free < SCARCE_SHARE * total
    text = f"{free / 1e9:.1f} GB of {total / 1e9:.1f} GB free where images are stored."
    if scarce:
        return Check(
            "Disk", Health.ATTENTION, f"{text} Free up space soon: when the disk is full, no case can be sent."
        )
    return Check("Disk", Health.GOOD, text)


def _report() -> Check:
    missing = fonts.missing()
    if missing is None:
        text = "The PDF report is not available: Pango and its fonts are not installed on this server."
        return Check("PDF report", Health.ATTENTION, text)
    if missing:
        text = (
            f"Reports can be made, but no font on this server has {joined(missing)} characters: in a report they are "
            "empty boxes. If you need them, install for example:"
        )
        return Check("PDF report", Health.GOOD, text, "apt-get install fonts-noto-cjk fonts-noto-color-emoji")
    return Check("PDF report", Health.GOOD, "Reports can be made, also with Chinese, Japanese, Korean and emoji.")


def _unfollowed() -> list[Check]:
    """Only if there are any: what should not happen is not shown as a part of the program."""
    return [
        Check(
            f"{centre.name}: cases and no GP with an account",
            Health.ATTENTION,
            "Nobody there can read an answer or send new images. Invite or enable a GP of this centre.",
        )
        for centre in centres_without_a_gp()
    ]


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
