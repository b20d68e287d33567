"""What is asked before an account is changed or disabled, in the administrator's words."""

from flask import url_for

from webapp.admin.handover import LeftBehind
from webapp.core.confirm import Question
from webapp.models import Centre, Role, User


def about_change(
    actor: User, user: User, role: Role, centre: Centre | None, left: LeftBehind | None
) -> Question | None:
    """None if the change is neither of a role nor away from cases that somebody must follow."""
    if role is user.role and left is None:
        return None
    oneself = actor.id == user.id
    points = [*_new_role(user, role, centre, oneself=oneself), *_cases_left(left)]
    if role is user.role:
        title = f"Move {user.name} to {centre.name if centre else 'no centre'}?"
    elif oneself:
        title = "Give up being an administrator?"
    else:
        title = f"Change {user.name} from {user.role.label} to {role.label}?"
    return Question(title, points, "Give up and sign out" if oneself else "Save", _page(user))


def about_disabling(actor: User, user: User, left: LeftBehind | None) -> Question:
    if actor.id == user.id:
        points = [
            "You are signed out at once, everywhere, and cannot sign in again.",
            "Only another administrator can enable your account.",
        ]
        return Question("Disable your own account?", points, "Disable my account", _page(user))
    points = [
        f"{user.name} can no longer sign in, and open sessions end at once.",
        "Cases, decisions and history are kept. You can enable the account again.",
        *_cases_left(left),
    ]
    return Question(f"Disable the account of {user.name}?", points, "Disable account", _page(user))


def _new_role(user: User, role: Role, centre: Centre | None, *, oneself: bool) -> list[str]:
    if role is user.role:
        return [f"{user.name} then sees the cases of {centre.name} only."] if centre else []
    may = {
        Role.GP: f"sends cases and sees those of {centre.name if centre else 'their centre'} only",
        Role.DERMATOLOGIST: "sees the cases of all centres and decides them",
        Role.ADMIN: "manages accounts, centres and the model, and sees no patient's case",
    }[role]
    if oneself:
        return [
            f"Your account becomes that of a {role.label}: it {may}.",
            "You are signed out at once, everywhere, and then sign in again without the administrator's pages.",
            "Only another administrator can make you one again.",
        ]
    return [f"As {role.label}, {user.name} {may}.", "Open sessions end at once; the password stays the same."]


def _cases_left(left: LeftBehind | None) -> list[str]:
    if left is None:
        return []
    stay = f"{left.gp.name} follows {left.words}. They stay with {left.centre.name}."
    if left.colleagues:
        return [stay]
    return [stay, f"No other GP of {left.centre.name} has an account: nobody sees them until you invite or enable one."]


def _page(user: User) -> str:
    return url_for("admin.account", user_id=user.id)
