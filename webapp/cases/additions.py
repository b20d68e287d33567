"""Something to add to a case that still waits for a decision: a note, images, or both."""

from collections.abc import Sequence

from webapp import audit
from webapp.cases import service
from webapp.cases.service import CaseChangedError, SentAlreadyError
from webapp.cases.uploads import StoredImage
from webapp.core.config import current_settings
from webapp.models import Addition, Case, CaseState, User
from webapp.triage import rank


class TooManyImagesError(ValueError):
    """The case would have more images than a case may have."""

    def __init__(self, most: int, there: int) -> None:
        super().__init__(f"A case can have up to {most} images; this one has {there} already.")


def can_be_added_to(case: Case) -> bool:
    """Until it is decided; images that a dermatologist asked for have a form of their own."""
    return case.is_open and case.images_wanted is None


def earlier(case: Case, token: str) -> Addition | None:
    """What this form has already added."""
    return next((addition for addition in case.additions if addition.token == token), None)


def add(user: User, case: Case, token: str, note: str, images: Sequence[StoredImage]) -> Addition:
    """Add to a locked case. The images are analysed like its first ones, and until then the case needs a person again.

    Sending the same form twice adds once; with other contents it raises SentAlreadyError. Raises CaseChangedError once
    the case is decided, and TooManyImagesError.
    """
    sent = earlier(case, token)
    if sent is not None:
        return _the_same(sent, note, images)
    if not can_be_added_to(case):
        raise CaseChangedError
    there, most = len(case.images), current_settings().max_images_per_case
    if images and there + len(images) > most:
        raise TooManyImagesError(most, there)
    positions = list(range(there + 1, there + 1 + len(images)))
    addition = Addition(user=user, token=token, note=note, positions=positions)
    case.additions.append(addition)
    if images:
        service.attach(case, images)
        if case.state is CaseState.AWAITING_REVIEW:
            case.move_to(CaseState.SUBMITTED)
        rank.refresh(case)
    audit.record(user, "case.added_to", case, after={"images": len(images), "note": bool(note)})
    return addition


def _the_same(sent: Addition, note: str, images: Sequence[StoredImage]) -> Addition:
    by_position = {image.position: image.sha256 for image in sent.case.images}
    digests = [by_position[position] for position in sent.positions]
    if (sent.note, digests) != (note, [image.sha256 for image in images]):
        raise SentAlreadyError(sent.case.number)
    return sent
