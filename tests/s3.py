"""A real S3 server (moto's, from its own virtual environment) in its own process, reached over HTTP."""

import http.client
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.browser.program import free_port
from tests.conftest import ROOT
from tests.patience import wait_until

SERVER = ROOT / ".venv" / "s3" / "bin" / "moto_server"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Server:
    """Keeps its objects in memory, so it is empty at each start."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, bucket: str, prefix: str = "") -> str:
        return f"s3://{bucket}/{prefix}?endpoint=http://127.0.0.1:{self.port}&region=us-east-1"

    def start(self, bucket: str) -> None:
        command: list[str | Path] = [SERVER, "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self._makes(bucket))

    def _makes(self, bucket: str) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the S3 server ended at once"
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request("PUT", f"/{bucket}")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def running(bucket: str) -> Iterator[Server]:
    server = Server()
    server.start(bucket)
    try:
        yield server
    finally:
        server.stop()
