"""The program's keys: from the environment, or made once and kept in the instance folder, for their owner only."""

import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

from webapp.core.environment import ConfigurationError


def secret_key(given: str | None, instance_dir: Path) -> str:
    key = given or _generated(instance_dir / "secret.key", lambda: secrets.token_urlsafe(48))
    if len(key) < 32:
        raise ConfigurationError("SECRET_KEY must have at least 32 characters.")
    return key


def audit_key(given: str | None, instance_dir: Path) -> bytes:
    key = given or _generated(instance_dir / "audit.key", lambda: secrets.token_urlsafe(48))
    if len(key) < 32:
        raise ConfigurationError("AUDIT_KEY must have at least 32 characters.")
    return key.encode()


def image_keys(given: str | None, instance_dir: Path) -> dict[str, bytes]:
    def make() -> str:
        return f"k{secrets.token_hex(3)}:{b64encode(secrets.token_bytes(32)).decode()}"

    keys: dict[str, bytes] = {}
    for entry in (given or _generated(instance_dir / "image.keys", make)).replace("\n", ",").split(","):
        if not entry.strip():
            continue
        key_id, _, encoded = entry.strip().partition(":")
        if key_id in keys:
            raise ConfigurationError(f"IMAGE_KEYS contains the key id {key_id!r} twice.")
        try:
            keys[key_id] = b64decode(encoded, validate=True)
        except ValueError:
            raise ConfigurationError(f"IMAGE_KEYS: the key {key_id!r} is not valid base64.") from None
        if not 0 < len(key_id) <= 32 or len(keys[key_id]) != 32:
            raise ConfigurationError("IMAGE_KEYS: each entry must be an id and 32 bytes in base64 (AES-256).")
    if not keys:
        raise ConfigurationError("IMAGE_KEYS contains no key.")
    return keys


def totp_secrets(given: str | None, instance_dir: Path) -> dict[str, str]:
    """For passlib's wallet, which encrypts with the highest number and still opens what older ones closed."""
    found: dict[str, str] = {}
    text = given or _generated(instance_dir / "totp.keys", lambda: f"1:{secrets.token_urlsafe(32)}")
    for entry in text.split(","):
        number, _, secret = entry.strip().partition(":")
        if not number.isdecimal() or len(secret) < 32 or number in found:
            raise ConfigurationError("TOTP_SECRETS: each entry must be a different number and at least 32 characters.")
        found[number] = secret
    return found


def _generated(path: Path, make: Callable[[], str]) -> str:
    """The text of ``path``, made first by whichever process links it first; readable by its owner only."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
