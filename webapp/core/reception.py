"""gunicorn's threads serve requests that have arrived: a slow client costs a place in a list, not a thread.

The process's main loop receives each request, into a temporary file if it is large, and closes what stops arriving. A
proxy that keeps requests back until they are complete does the same; most do not for large ones, and there may be none.
This file imports nothing of the application: gunicorn's master loads it, see gunicorn.conf.py.
"""

import re
import socket
import tempfile
import time
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

HEADER_SECONDS = 10.0
BODY_SECONDS, SLOWEST = 20.0, 8 * 1024
"""A body may take so long, and longer by its size at so many bytes a second."""
SEND_SECONDS = 120.0
"""A response that is not taken in this time is given up."""
MOST_ARRIVING, MOST_BYTES = 400, 2**30
"""At once, and what they may take on the disk; beyond, the oldest or the slowest is closed."""
IN_MEMORY_BYTES = 16 * 1024
MOST_HEADER_BYTES = 32 * 1024
PORTION_BYTES, PORTIONS = 64 * 1024, 16
GRACE_SECONDS = 2.0
"""How long a process that stops waits for a request that has not begun."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*(?=\r\n)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NO_LENGTH = b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Client:
    """A client's socket that gives first what has been received already."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._kept: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def keep(self, kept: Any) -> None:
        kept.seek(0)
        self._kept = kept

    def recv(self, size: int) -> bytes:
        if self._kept is not None:
            data: bytes = self._kept.read(size)
            if data:
                return data
            self._forget()
        return self._sock.recv(size)

    def receive(self) -> bytes:
        """What has arrived and was not kept. Raises BlockingIOError if there is nothing."""
        return self._sock.recv(PORTION_BYTES)

    def setblocking(self, blocking: bool) -> None:
        self._sock.settimeout(SEND_SECONDS if blocking else 0.0)

    def shutdown(self, how: int) -> None:
        self._forget()
        self._sock.shutdown(how)

    def close(self) -> None:
        self._forget()
        self._sock.close()

    def _forget(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None


class Arrival:
    """A request on its way: ``needed`` bytes in all, None until its header is complete."""

    def __init__(self, conn: Any) -> None:
        self.conn = conn
        self.came = time.monotonic()
        self.kept = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - until it is served or given up
        self.got = 0
        self.needed: int | None = None
        self.refusal = b""
        self._header = b""

    @property
    def age(self) -> float:
        return time.monotonic() - self.came

    @property
    def pace(self) -> float:
        return self.got / max(self.age, 0.001)

    @property
    def is_complete(self) -> bool:
        return self.needed is not None and self.got >= self.needed

    @property
    def is_late(self) -> bool:
        return self.age > (HEADER_SECONDS if self.needed is None else BODY_SECONDS + self.got / SLOWEST)

    def add(self, data: bytes, most: int) -> None:
        """``most``: how large a body is received; a larger one is the application's to refuse."""
        self.kept.write(data)
        self.got += len(data)
        if self.needed is None:
            self._header += data
            end = self._header.find(b"\r\n\r\n")
            if end >= 0:
                self._read_header(self._header[: end + 2], end + 4, most)
            elif len(self._header) > MOST_HEADER_BYTES:
                self.needed = 0  # gunicorn refuses it

    def _read_header(self, header: bytes, length: int, most: int) -> None:
        found = _LENGTH.findall(header)
        body = int(found[0]) if len(found) == 1 else 0
        self.needed = length + (body if body <= most else 0)
        if _CHUNKED.search(header):
            self.refusal = _NO_LENGTH
        elif _EXPECTS.search(header) and not self.is_complete:
            self.conn.sock.send(_CONTINUE)


class ReceivingWorker(ThreadWorker):
    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._arrivals: set[Arrival] = set()

    def enqueue_req(self, conn: Any) -> None:
        """Receive the request first. Always called in the main loop."""
        if self.cfg.is_ssl or (conn.parser is not None and conn.parser.unreader.buf.getvalue()):
            super().enqueue_req(conn)
            return
        if not isinstance(conn.sock, Client):
            conn.sock = Client(conn.sock)
        conn.sock.setblocking(False)
        arrival = Arrival(conn)
        self._arrivals.add(arrival)
        self.poller.register(conn.sock, 1, partial(self._receive, arrival))
        self._receive(arrival)
        if len(self._arrivals) > MOST_ARRIVING:
            self._give_up(max(self._arrivals, key=lambda each: each.age))

    def _receive(self, arrival: Arrival, _socket: object = None) -> None:
        if arrival not in self._arrivals:
            return  # given up since the poller saw it
        most = self.wsgi.extensions["settings"].max_request_bytes
        try:
            for _ in range(PORTIONS):
                data = arrival.conn.sock.receive()
                if not data:
                    self._give_up(arrival)
                    return
                arrival.add(data, most)
                if arrival.is_complete or arrival.refusal:
                    break
        except BlockingIOError:
            pass
        except OSError:  # the client has gone, or the disk is full
            self._give_up(arrival)
            return
        if arrival.refusal:
            self._give_up(arrival)
        elif arrival.is_complete:
            self._serve(arrival)
        elif sum(each.got for each in self._arrivals) > MOST_BYTES:
            self._give_up(min(self._arrivals, key=lambda each: each.pace))

    def _serve(self, arrival: Arrival) -> None:
        conn = self._leave(arrival)
        conn.sock.keep(arrival.kept)
        conn.data_ready = True
        super().enqueue_req(conn)

    def _give_up(self, arrival: Arrival) -> None:
        conn = self._leave(arrival)
        arrival.kept.close()
        try:
            if arrival.refusal:
                conn.sock.send(arrival.refusal)
        except OSError:
            pass
        self.nr_conns -= 1
        conn.close()

    def _leave(self, arrival: Arrival) -> Any:
        self._arrivals.discard(arrival)
        self.poller.unregister(arrival.conn.sock)
        return arrival.conn

    def murder_pending(self) -> None:
        """Called at least once a second."""
        super().murder_pending()
        for arrival in list(self._arrivals):
            if arrival.is_late or (not self.alive and not arrival.got and arrival.age > GRACE_SECONDS):
                self._give_up(arrival)
