"""Settings: read once, mistakes explained, generated keys private and stable."""

import stat
from base64 import b64encode
from pathlib import Path

import pytest
from pydantic import ValidationError

from webapp.core.config import ConfigurationError, Settings

KEY = b64encode(bytes(range(32))).decode()


def read(folder: Path, **environ: str) -> Settings:
    return Settings.from_environment({"INSTANCE_DIR": str(folder), **environ})


def test_defaults_live_in_the_instance_folder(tmp_path: Path) -> None:
    settings = read(tmp_path / "new")
    assert settings.instance_dir == tmp_path / "new"
    assert settings.database_url == f"sqlite:///{tmp_path}/new/dermtriage.sqlite"
    assert settings.queue_url == f"sqlite:///{tmp_path}/new/queue.sqlite"
    assert settings.storage_url == f"file://{tmp_path}/new/images"
    assert settings.https is True
    assert settings.max_images_per_case == 6


@pytest.mark.parametrize("name", ["MAX_IMAGES_PER_CASE", "ANALYSIS_LEASE_SECONDS", "CLAIM_MINUTES", "RETENTION_YEARS"])
@pytest.mark.parametrize("text", ["six", "0", "-1", "nan", "inf"])
def test_a_bad_number_is_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        read(tmp_path, **{name: text})


def test_numbers_are_read_and_an_empty_one_is_the_default(tmp_path: Path) -> None:
    settings = read(tmp_path, ANALYSIS_LEASE_SECONDS="2.5", CLAIM_MINUTES="7", MAX_IMAGE_MEGABYTES="")
    assert (settings.analysis_lease_seconds, settings.claim_minutes, settings.max_image_megabytes) == (2.5, 7, 25)


@pytest.mark.parametrize("name", ["SECRET_KEY", "AUDIT_KEY"])
@pytest.mark.parametrize("length", [1, 31])
def test_a_short_key_is_refused(tmp_path: Path, name: str, length: int) -> None:
    with pytest.raises(ConfigurationError, match=name):
        read(tmp_path, **{name: "x" * length})


@pytest.mark.parametrize(
    "keys",
    ["a:not base64!", "a:" + b64encode(b"short").decode(), KEY, f":{KEY}", f"{'i' * 33}:{KEY}", ",", f"a:{KEY},b"],
)
def test_bad_image_keys_are_refused_and_never_repeated(tmp_path: Path, keys: str) -> None:
    with pytest.raises(ConfigurationError, match="IMAGE_KEYS") as refused:
        read(tmp_path, IMAGE_KEYS=keys)
    assert KEY not in str(refused.value)


def test_all_that_is_wrong_is_told_at_once_and_no_key_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, CLAIM_MINUTES="six", LOG_LEVEL="loud", SECRET_KEY="short", TRUSTED_PROXIES="-1")
    assert str(refused.value).splitlines() == [
        "Several settings are wrong:",
        "SECRET_KEY must have at least 32 characters.",
        "TRUSTED_PROXIES must be 0 or more, not -1.",
        "CLAIM_MINUTES must be a number, not 'six'.",
        "LOG_LEVEL must be 'debug', 'info', 'warning' or 'error', not 'loud'.",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="INSTANCE_DIR must be a folder"):
        read(tmp_path / "file" / "below")


def test_nobody_changes_settings(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read(tmp_path).https = False


def test_only_the_environment_that_is_given_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIM_MINUTES", "7")
    assert read(tmp_path).claim_minutes == 20
    assert read(tmp_path, claim_minutes="8", CLAIM_MINUTES="").claim_minutes == 20


def test_several_image_keys_keep_their_order(tmp_path: Path) -> None:
    keys = read(tmp_path, IMAGE_KEYS=f"new:{KEY}, old:{KEY}\n").image_keys
    assert list(keys) == ["new", "old"]
    assert keys["old"] == bytes(range(32))


def test_generated_keys_are_private_and_stay_the_same(tmp_path: Path) -> None:
    first, second = read(tmp_path), read(tmp_path)
    for name in ("secret_key", "image_keys", "totp_secrets", "audit_key"):
        assert getattr(first, name) == getattr(second, name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.key", "image.keys", "secret.key", "totp.keys"]
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_do_not_show_when_settings_are_printed(tmp_path: Path) -> None:
    given = {"SECRET_KEY": "s" * 40, "AUDIT_KEY": "a" * 40, "TOTP_SECRETS": f"1:{'t' * 40}"}
    settings = read(tmp_path, IMAGE_KEYS=f"a:{KEY}", **given)
    for secret in ("s" * 40, "a" * 40, "t" * 40):
        assert secret not in repr(settings)
    assert "image_keys" not in repr(settings)


@pytest.mark.parametrize("name", ["DATABASE_URL", "QUEUE_URL"])
def test_an_address_may_hold_a_password(tmp_path: Path, name: str) -> None:
    assert "p4ss" not in repr(read(tmp_path, **{name: "postgresql://user:" + "p4ss@host/name"}))


@pytest.mark.parametrize("given", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_the_installed_postgresql_driver_is_named(tmp_path: Path, given: str) -> None:
    assert read(tmp_path, DATABASE_URL=given).database_url == "postgresql+psycopg://u@h/d"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd"])
def test_an_unknown_time_zone_is_refused(tmp_path: Path, zone: str) -> None:
    with pytest.raises(ConfigurationError, match="TIMEZONE"):
        read(tmp_path, TIMEZONE=zone)


@pytest.mark.parametrize(("given", "secure"), [("0", False), ("1", True), ("yes", True)])
def test_only_a_plain_zero_turns_https_off(tmp_path: Path, given: str, secure: bool) -> None:
    assert read(tmp_path, HTTPS=given).https is secure


@pytest.mark.parametrize("given", ["x" * 40, "a:" + "x" * 40, "1:short", f"1:{'x' * 40},1:{'y' * 40}", ","])
def test_bad_secrets_of_second_factors_are_refused_and_never_repeated(tmp_path: Path, given: str) -> None:
    with pytest.raises(ConfigurationError, match="TOTP_SECRETS") as refused:
        read(tmp_path, TOTP_SECRETS=given)
    assert "x" * 40 not in str(refused.value)


def test_nobody_is_trusted_and_everybody_who_must_has_a_second_factor_by_default(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert (settings.trusted_hosts, settings.trusted_proxies, settings.second_factor) == ((), 0, True)
    assert (settings.idle_minutes, settings.session_hours) == (15, 12)
    given = read(tmp_path, TRUSTED_HOSTS="a.example, b.example", TRUSTED_PROXIES="0", SECOND_FACTOR="0")
    assert read(tmp_path, HTTPS="0").trusted_hosts == ("localhost", "127.0.0.1"), "plain HTTP is for one machine"
    assert read(tmp_path, TRUSTED_HOSTS="Triage.Example.org").trusted_hosts == ("triage.example.org",)
    assert (given.trusted_hosts, given.trusted_proxies) == (("a.example", "b.example"), 0)
    assert given.second_factor is False


@pytest.mark.parametrize("text", ["-1", "many", "nan"])
def test_a_bad_number_of_proxies_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="TRUSTED_PROXIES"):
        read(tmp_path, TRUSTED_PROXIES=text)
