"""These tests fork, fill disks and look at files, so images are kept in a folder, whichever store the others use."""

import pytest

ON_ANY_STORE = {"test_brokers", "test_web_restart", "test_worker_figures"}


@pytest.fixture(autouse=True)
def in_a_folder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.module.__name__.rpartition(".")[2] not in ON_ANY_STORE:
        monkeypatch.delenv("TEST_S3_URL", raising=False)
