"""The program's keys: from the environment, or generated once and kept in the instance folder."""

import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator


def kept(name: str, make: Callable[[], str]) -> Callable[[dict[str, Any]], Any]:
    """The default of a key: the text of the file ``name`` in the instance folder, generated if it does not exist."""
    return lambda settings: _kept(settings["instance_dir"] / name, make)


def new_secret() -> str:
    return secrets.token_urlsafe(48)


def new_image_key() -> str:
    return f"k{secrets.token_hex(3)}:{b64encode(secrets.token_bytes(32)).decode()}"


def new_totp_secret() -> str:
    return f"1:{secrets.token_urlsafe(32)}"


def _image_keys(text: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for entry in text.replace("\n", ",").split(","):
        if not entry.strip():
            continue
        key_id, _, encoded = entry.strip().partition(":")
        if key_id in keys:
            raise ValueError(f"contains the key id {key_id!r} twice.")
        try:
            keys[key_id] = b64decode(encoded, validate=True)
        except ValueError:
            raise ValueError(f"holds the key {key_id!r}, which is not valid base64.") from None
        if not 0 < len(key_id) <= 32 or len(keys[key_id]) != 32:
            raise ValueError("must hold an id and 32 bytes in base64 (AES-256) in each entry.")
    if not keys:
        raise ValueError("contains no key.")
    return keys


def _totp_secrets(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in text.split(","):
        number, _, secret = entry.strip().partition(":")
        if not number.isdecimal() or len(secret) < 32 or number in found:
            raise ValueError("must hold a different number and at least 32 characters in each entry.")
        found[number] = secret
    return found


ImageKeys = Annotated[Mapping[str, bytes], BeforeValidator(_image_keys)]
TotpSecrets = Annotated[Mapping[str, str], BeforeValidator(_totp_secrets)]
"""For passlib's wallet, which encrypts with the highest number and still decrypts with the others."""


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The text of ``path``, created by whichever process links it first; readable by its owner only."""
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
