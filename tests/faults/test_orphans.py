"""Whatever is killed, nothing that it started goes on working; and a worker of another release takes no work."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from flask import Flask
from sqlalchemy import select, text

from tests.conftest import ROOT, World
from tests.faults.processes import wait_until, worker, worker_environment
from tests.patience import PATIENCE
from tests.patience import wait_until as wait
from tests.unit.work import submitted
from webapp.core.database import reading, transaction
from webapp.core.extensions import db
from webapp.core.ports import holder
from webapp.core.version import VERSION
from webapp.models import Analysis, AnalysisState, Worker


def descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def kill_and_wait(process: subprocess.Popen[bytes], children: list[psutil.Process]) -> None:
    """Only the process itself, not its group."""
    process.send_signal(signal.SIGKILL)
    process.wait()
    try:
        wait(lambda: not alive(children))
    finally:
        for child in alive(children):
            child.kill()


def has_beaten() -> bool:
    return db.session.scalars(select(Worker)).first() is not None


@pytest.mark.control("H3.5")
def test_a_killed_worker_leaves_no_process(app: Flask) -> None:
    with worker(app) as process:
        wait_until(app, has_beaten)
        children = descendants(process)
        assert len(children) == 2, "a scheduler and a worker"
        kill_and_wait(process, children)


def test_a_child_whose_parent_was_faster_ends_too() -> None:
    """The parent has ended before the child could ask to be told."""
    program = (
        "from webapp.core.parent import end_with_parent\nimport signal\nend_with_parent(1, signal.SIGKILL)\nprint(1)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


@contextmanager
def on_one_machine(app: Flask, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "app.py", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=worker_environment(app), start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@pytest.mark.control("H3.5")
def test_when_the_program_is_killed_nothing_is_left_and_it_can_be_started_again(app: Flask) -> None:
    port = free_port()
    with on_one_machine(app, port) as process:
        wait(lambda: answers(port))
        wait_until(app, has_beaten)
        second = subprocess.run(
            [sys.executable, "app.py", "--port", str(port)], cwd=ROOT, env=worker_environment(app), capture_output=True
        )
        assert second.returncode == 1
        said = second.stderr.decode()
        assert f"Port {port} is in use by process " in said
        assert "gunicorn" in said
        children = descendants(process)
        assert len(children) >= 5, "web server and worker, each with its own"
        kill_and_wait(process, children)
    assert holder(port) is None
    with on_one_machine(app, port):
        wait(lambda: answers(port))


def test_a_killed_web_server_leaves_no_process(app: Flask) -> None:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, cwd=ROOT, env=worker_environment(app), start_new_session=True)
    wait(lambda: answers(port))
    kill_and_wait(process, descendants(process))


@pytest.mark.control("H3.5")
def test_a_worker_of_another_release_takes_no_work_until_the_database_is_of_its_own(app: Flask, world: World) -> None:
    be_of(app, "0.0.1")
    submitted(world)
    with worker(app):
        wait_until(app, has_beaten)
        with app.app_context(), reading() as session:
            assert session.scalars(select(Worker)).one().release == VERSION
        wait_until(app, lambda: waited_for_seconds(3))
        be_of(app, VERSION)
        wait_until(app, lambda: states() == [AnalysisState.DONE])


def be_of(app: Flask, version: str) -> None:
    with app.app_context(), transaction() as session:
        session.execute(text("UPDATE program_release SET version = :version"), {"version": version})


def states() -> list[AnalysisState]:
    return list(db.session.scalars(select(Analysis.state)))


def waited_for_seconds(seconds: int) -> bool:
    """The worker has beaten for so long without having begun anything."""
    assert states() == [AnalysisState.QUEUED]
    beats = db.session.execute(select(Worker.started_at, Worker.seen_at)).one()
    return (beats.seen_at - beats.started_at).total_seconds() >= seconds


def test_who_holds_a_port_is_named() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        assert holder(port) is None, "nobody listens yet"
        held.listen()
        said = holder(port)
    assert said is not None
    assert said.startswith(f"process {os.getpid()} ({Path(sys.executable).name}")
