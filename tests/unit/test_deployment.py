"""The files in deploy/ fit the code: settings and files exist, commands run. No image is built here."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, make_app
from tests.patience import PATIENCE
from webapp.core import config, settings_table
from webapp.core.config import Settings

DEPLOY = ROOT / "deploy"
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
OF_OTHER_PROGRAMS = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "FLASK_APP"}
ONLY_IN_COMPOSE = {"SITE", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def manifests() -> Iterator[dict[str, Any]]:
    for path in KUBERNETES:
        yield from yaml.safe_load_all(path.read_text())


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for manifest in manifests():
        if "template" in manifest.get("spec", {}):
            yield manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]


def variables() -> Iterator[tuple[str, str]]:
    """(where, name) of each environment variable that a file gives to our program."""
    for name, service in compose()["services"].items():
        if service.get("image") == "dermtriage":
            yield from ((f"compose {name}", variable) for variable in service["environment"])
    for manifest in manifests():
        if manifest["kind"] == "ConfigMap":
            yield from (("ConfigMap", variable) for variable in manifest["data"])
    for name, pod in pods():
        for container in pod["containers"]:
            yield from ((name, entry["name"]) for entry in container.get("env", []))
    secret = re.search(r"with:\n#\s+(.+)", (DEPLOY / "kubernetes" / "settings.yaml").read_text())
    assert secret is not None
    yield from (("Secret", variable.strip()) for variable in secret.group(1).split(","))
    for path in UNITS:
        for line in re.findall(r"^Environment=(.+)$", path.read_text(), re.MULTILINE):
            yield from ((path.name, pair.partition("=")[0]) for pair in line.split())
    environment = re.search(r"^ENV (.+(?:\\\n.+)*)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert environment is not None
    yield from (("Dockerfile", name) for name in re.findall(r"(\w+)=", environment.group(1)))
    used = re.findall(r'environ\.get\("(\w+)"', (ROOT / "gunicorn.conf.py").read_text())
    yield from (("gunicorn.conf.py", variable) for variable in used)


def test_every_variable_that_is_set_is_one_that_is_read() -> None:
    known = {*settings_table.names(), *OF_OTHER_PROGRAMS}
    assert {pair for pair in variables() if pair[1] not in known} == set()


def test_the_page_of_settings_is_what_make_settings_prints() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_table.page()


@pytest.mark.parametrize("name", ["WEB_BIND", "WEB_CONCURRENCY", "WEB_THREADS"])
def test_the_defaults_of_the_web_server_are_told(name: str) -> None:
    default = re.search(rf'environ\.get\("{name}"\) or "?([^")]+)', (ROOT / "gunicorn.conf.py").read_text())
    assert default is not None
    assert config.ELSEWHERE[name][1].strip("`") == default.group(1)


def test_the_example_names_what_compose_asks_for() -> None:
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    lines = (DEPLOY / "example.env").read_text().splitlines()
    given = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert asked == given
    assert given <= {*settings_table.names(), *ONLY_IN_COMPOSE}


def image_files() -> list[str]:
    """What the last stage copies from the project rather than from another stage."""
    last = (DEPLOY / "Dockerfile").read_text().split("\nFROM ")[-1]
    lines = re.findall(r"^COPY (?!--from)(.+)$", last, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with exactly the files of the image."""
    folder = tmp_path_factory.mktemp("image")
    for source in image_files():
        path = ROOT / source
        if path.is_dir():
            shutil.copytree(path, folder / source, ignore=shutil.ignore_patterns("__pycache__", "vendor", "packed"))
        else:
            shutil.copy(path, folder / source)
    return folder


def run(image: Path, *command: str) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environ = {**kept, "INSTANCE_DIR": str(image / "instance"), "FLASK_APP": "wsgi", "HTTPS": "0"}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=image, env=environ, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commands() -> set[tuple[str, ...]]:
    ours = [service for service in compose()["services"].values() if service.get("image") == "dermtriage"]
    started = [service.get("command") for service in ours]
    started += [container.get("command") for _name, pod in pods() for container in pod["containers"]]
    for path in UNITS:
        lines = re.findall(r"^ExecStart(?:Pre)?=/opt/dermtriage/\.venv/bin/(.+)$", path.read_text(), re.MULTILINE)
        started += [line.split() for line in lines]
    return {tuple(command or ["gunicorn"]) for command in started}


def test_the_commands_are_the_three_that_are_tried_below() -> None:
    assert commands() == {("gunicorn",), ("flask", "worker"), ("flask", "db", "upgrade")}


@pytest.mark.slow
def test_the_commands_run_with_the_files_of_the_image_alone(image: Path) -> None:
    run(image, "flask", "db", "upgrade")
    assert (image / "instance" / "dermtriage.sqlite").exists()
    run(image, "gunicorn", "--check-config")
    assert "SIGTERM" in run(image, "flask", "worker", "--help")
    modules = "webapp.analysis.runner, webapp.analysis.worker, webapp.storage.s3, webapp.cases.letter"
    (image / "loads.py").write_text(f"import {modules}, wsgi\nassert wsgi.app.test_client().get('/readyz').json == ")
    with (image / "loads.py").open("a") as file:
        file.write("{'status': 'ready', 'failed': []}\n")
    run(image, "loads")


def test_the_image_is_given_what_it_copies() -> None:
    """.dockerignore excludes everything it does not name."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    stages = re.findall(r"^COPY (?!--from)(.+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    copied = {source for line in stages for source in line.split()[:-1]}
    assert "*" in lines
    assert let_in == copied
    assert {source for source in copied if not (ROOT / source).exists()} == set()


def test_the_program_does_not_run_as_root() -> None:
    assert re.search(r"^USER 10001$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    for name, pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert all(container["securityContext"]["readOnlyRootFilesystem"] for container in pod["containers"]), name


def test_machines_that_work_together_are_given_the_same_keys(tmp_path: Path) -> None:
    """A missing key would be generated on each machine, which could then not read what another has written."""
    Settings.from_environment({"INSTANCE_DIR": str(tmp_path)})
    made = {
        "secret.key": "SECRET_KEY",
        "image.keys": "IMAGE_KEYS",
        "totp.keys": "TOTP_SECRETS",
        "audit.key": "AUDIT_KEY",
    }
    assert {path.name for path in tmp_path.iterdir()} == made.keys()
    given = set(variables())
    for where in ("compose web", "compose worker", "Secret"):
        assert {name for place, name in given if place == where} >= set(made.values())


def test_probes_name_a_host_that_is_trusted() -> None:
    trusted = {manifest["data"]["TRUSTED_HOSTS"] for manifest in manifests() if manifest["kind"] == "ConfigMap"}
    hosts = {
        header["value"]
        for _name, pod in pods()
        for container in pod["containers"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        for header in container.get(probe, {}).get("httpGet", {}).get("httpHeaders", [])
    }
    assert hosts == trusted


def test_probes_ask_for_pages_that_exist(settings: Settings) -> None:
    app = make_app(settings)
    public = {rule.rule for rule in app.url_map.iter_rules()}
    probes = [
        container[probe]["httpGet"]["path"]
        for _name, pod in pods()
        for container in pod["containers"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        if "httpGet" in container.get(probe, {})
    ]
    assert set(probes) == {"/healthz", "/readyz"}
    others = re.findall(r"(?:health_uri |@inside path |127\.0\.0\.1:8000)(/\w+)", _text("Caddyfile", "compose.yaml"))
    assert {*probes, *others} <= public


def test_the_proxy_lets_the_largest_case_pass(settings: Settings) -> None:
    allowed = re.search(r"max_size (\d+)MB", _text("Caddyfile"))
    assert allowed is not None
    assert int(allowed.group(1)) * 10**6 >= settings.max_request_bytes


def test_services_that_are_waited_for_exist() -> None:
    services = compose()["services"]
    waited_for = {other for service in services.values() for other in service.get("depends_on", {})}
    assert waited_for <= set(services)
    mounts = [mount for service in services.values() for mount in service.get("volumes", [])]
    named = {mount.partition(":")[0] for mount in mounts if not mount.startswith(".")}
    assert named == set(compose()["volumes"])
    assert all((DEPLOY / mount.partition(":")[0]).exists() for mount in mounts if mount.startswith("."))


def test_selectors_find_their_pods() -> None:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for manifest in manifests():
        by_kind.setdefault(manifest["kind"], []).append(manifest)
    labels = {d["metadata"]["name"]: d["spec"]["template"]["metadata"]["labels"] for d in by_kind["Deployment"]}
    assert set(labels) == {"dermtriage-web", "dermtriage-worker"}
    for deployment in by_kind["Deployment"]:
        assert deployment["spec"]["selector"]["matchLabels"] == labels[deployment["metadata"]["name"]]
    for budget in by_kind["PodDisruptionBudget"]:
        assert budget["spec"]["selector"]["matchLabels"] in labels.values()
    for scaler in by_kind["HorizontalPodAutoscaler"]:
        assert scaler["spec"]["scaleTargetRef"]["name"] in labels


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_units_are_understood_by_systemd(tmp_path: Path) -> None:
    units = []
    for path in UNITS:
        text = re.sub(r"/opt/dermtriage/\.venv/bin/\w+", "/bin/true", path.read_text())
        units.append(tmp_path / path.name)
        units[-1].write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def _text(*names: str) -> str:
    return "\n".join((DEPLOY / name).read_text() for name in names)
