"""What a new process loads, and what it says if its settings are wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.patience import PATIENCE

HEAVY = (
    *("torch", "torchvision", "onnxruntime", "numpy", "weasyprint", "alembic"),
    *("ml.engine", "ml.training.recipe.network", "webapp.analysis.runner"),
)
REPORT = f"""
import json, sys
import wsgi
wsgi.app.test_client().get("/login")
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""


def python(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**inherited, "INSTANCE_DIR": str(folder), "TRUSTED_HOSTS": "localhost", **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_the_web_process_loads_no_model_runtime(tmp_path: Path) -> None:
    done = python(tmp_path, "-c", REPORT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECRET_KEY", "short"), ("STORAGE_URL", "ftp://bucket")],
)
def test_a_wrong_setting_stops_the_start_and_is_named(tmp_path: Path, name: str, value: str) -> None:
    done = python(tmp_path, "-c", "import wsgi", **{name: value})
    assert done.returncode != 0
    assert f"ConfigurationError: {name}" in done.stderr.splitlines()[-1]


def test_the_web_server_starts_only_if_it_knows_its_names(tmp_path: Path) -> None:
    """Otherwise whoever makes a request arrive under another name gets an account's link to a site of their own."""
    done = python(tmp_path, "-c", "import wsgi", TRUSTED_HOSTS="")
    assert done.returncode != 0
    assert "TRUSTED_HOSTS must name the hosts" in done.stderr.splitlines()[-1]
    assert python(tmp_path, "-c", "import wsgi", TRUSTED_HOSTS="", HTTPS="0").returncode == 0
