"""Kills a process at any step of its work, without hooks in the program.

A child, forked from the test with everything loaded, counts its steps: every function of the program that begins or
ends, every statement and commit, every message, every system call that changes files. At the chosen step it kills
itself as ``kill -9`` does. A recording run lists the steps, so steps added later are covered automatically.
"""

import json
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

from flask import Flask

from tests.conftest import ROOT
from tests.patience import PATIENCE
from webapp.core.extensions import db

KILLED = -signal.SIGKILL
Work = Callable[[], object]

FILE_CALLS = {os.fsync, os.replace, os.rename, os.unlink, os.mkdir, os.link}
LIBRARIES = {
    "sqlalchemy/engine/default.py": {
        "do_commit": True,
        "do_rollback": False,
        "do_execute": False,
        "do_executemany": False,
    },
    "huey/storage.py": {"enqueue": True, "dequeue": True, "add_to_schedule": True},
}
"""Library functions that may change state, and whether their effect outlasts the process."""


class Step(NamedTuple):
    """The ``nth`` time that a process reaches ``name``; ``lasting``: what it just did outlasts the process.

    Between one lasting step and the next, a kill leaves the same state wherever it happens.
    """

    name: str
    nth: int
    lasting: bool


class Counting:
    """Calls ``arrived`` at each step of this process, through the interpreter's profiling hook."""

    def __init__(self, arrived: Callable[[Step], None]) -> None:
        self._arrived, self._seen = arrived, Counter[str]()
        self._names: dict[CodeType, tuple[str, bool] | None] = {}

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event in ("call", "return"):
            known = self._name(frame.f_code)
        else:
            known = (argument.__name__, True) if argument in FILE_CALLS else None
        if known:
            over = event.endswith("return")
            name = f"{known[0]} {'ends' if over else 'begins'}"
            self._seen[name] += 1
            self._arrived(Step(name, self._seen[name], lasting=known[1] and over))

    def _name(self, code: CodeType) -> tuple[str, bool] | None:
        if code not in self._names:
            self._names[code] = _name_of(code)
        return self._names[code]


def _name_of(code: CodeType) -> tuple[str, bool] | None:
    """The name of a step in this function, and whether it is lasting; None if the function is not of interest."""
    path = Path(code.co_filename)
    if path.is_relative_to(ROOT / "webapp") or path.is_relative_to(ROOT / "ml"):
        return f"{path.relative_to(ROOT)}: {code.co_qualname}", False
    for end, functions in LIBRARIES.items():
        if code.co_filename.endswith(end) and code.co_name in functions:
            return code.co_qualname, functions[code.co_name]
    return None


def steps_of(app: Flask, work: Work, notes: Path) -> list[Step]:
    """Every step of ``work``, in order, from an undisturbed run."""

    def recorded() -> None:
        steps: list[Step] = []
        sys.setprofile(Counting(steps.append))
        work()
        sys.setprofile(None)
        notes.write_text(json.dumps(steps))

    assert in_child(app, recorded) == 0
    return [Step(*step) for step in json.loads(notes.read_text())]


def killed_at(app: Flask, work: Work, step: Step) -> bool:
    """Do ``work`` in a process that is killed at ``step``; False if it ended without reaching it."""

    def doomed() -> None:
        sys.setprofile(Counting(lambda here: os.kill(os.getpid(), signal.SIGKILL) if here == step else None))
        work()

    status = in_child(app, doomed)
    assert status in (0, KILLED), f"it failed instead of being killed at {step}"
    return status == KILLED


def in_child(app: Flask, work: Work) -> int:
    """The exit status of a forked process that did ``work``; minus the number of the signal that killed it."""
    return ended(begun(app, work))


def begun(app: Flask, work: Work) -> int:
    """Fork a process that does ``work``; returns its id."""
    let_go(app)
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(PATIENCE))
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def let_go(app: Flask) -> None:
    """Close what a child must not inherit."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    app.extensions["queue"].huey.storage.close()
