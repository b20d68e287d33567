"""No key, token or password is in the repository: detect-secrets scans every tracked file."""

import secrets
import subprocess
from pathlib import Path

import pytest
from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

from tests.conftest import ROOT

HARMLESS = {
    ("docs/settings.md", "Basic Auth Credentials"),  # the shape of MAIL_URL
    ("tests/unit/test_identifiers.py", "Hex High Entropy String"),  # invented national numbers
    ("tests/web/test_health.py", "Basic Auth Credentials"),  # an address that must not be shown
    ("tests/web/test_mail.py", "Basic Auth Credentials"),
    ("webapp/accounts/settings.py", "Secret Keyword"),  # names of settings about passwords
    ("webapp/audit/words.py", "Secret Keyword"),  # words for actions such as "password changed"
    ("webapp/cases/service.py", "Base64 High Entropy String"),  # the alphabet of case numbers
    ("webapp/core/config.py", "Basic Auth Credentials"),
    ("webapp/core/environment.py", "Basic Auth Credentials"),
    ("webapp/models/sign_in.py", "Secret Keyword"),  # kinds of attempts
}
"""What looks like a secret but is not. Passwords of test accounts are not even listed."""
GENERATED = {"package-lock.json", "requirements.txt", "requirements-serve.txt"}


def found(root: Path, files: list[str]) -> set[tuple[str, str]]:
    collection = SecretsCollection(root=str(root))
    with default_settings():
        for name in files:
            collection.scan_file(name)
    return {(name, secret.type) for name, secret in collection}


def tracked() -> list[str]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    present = (name for name in names.split("\0") if name and (ROOT / name).is_file())
    return [name for name in present if name not in GENERATED and not name.startswith("ml/bundles/")]


def test_the_repository_holds_no_secret() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout, so nobody knows which files would be committed")
    suspicious = {(name, kind) for name, kind in found(ROOT, tracked()) if not _test_password(name, kind)}
    assert suspicious == HARMLESS


def _test_password(name: str, kind: str) -> bool:
    return name.startswith("tests/") and kind == "Secret Keyword"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-----BEGIN RSA " + "PRIVATE KEY-----\n", "Private Key"),
        ('key = "AKIA' + "IOSFODNN7EXAMPLE" + '"\n', "AWS Access Key"),
        (f'token = "{secrets.token_hex(32)}"\n', "Hex High Entropy String"),
    ],
    ids=["private key", "access key", "random"],
)
def test_a_secret_would_be_found(tmp_path: Path, text: str, kind: str) -> None:
    (tmp_path / "settings.py").write_text(text)
    assert ("settings.py", kind) in found(tmp_path, ["settings.py"])
