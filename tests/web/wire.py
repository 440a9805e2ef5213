"""Clients that misbehave: sockets, what is sent through them, and what comes back."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

# Far above what any answer here takes; a server that hangs fails its test, not the whole run.
GIVE_UP_SECONDS = 120.0
HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /login HTTP/1.1\r\nHost: localhost\r\n"
FORM = POST + b"Content-Type: application/x-www-form-urlencoded\r\n"
# What a client may send before the system holds no more of it for a server that reads nothing.
HELD_BYTES = 16 << 20


@dataclass(frozen=True)
class Answer:
    """What a server said before it closed."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> tuple[int, str]:
        """The status and code of a problem, asserted to be a whole one."""
        assert self.headers["content-type"] == "application/problem+json", self
        body: dict[str, Any] = json.loads(self.body)
        assert body["status"] == self.status
        assert body["request_id"] == self.headers["x-request-id"]
        assert body["title"]
        assert body["detail"]
        assert "default-src 'none'" in self.headers["content-security-policy"]
        assert self.headers["x-content-type-options"] == "nosniff"
        return self.status, body["code"]


@contextmanager
def connection(
    api: httpx.Client, first: bytes = b"", *, receive_bytes: int | None = None
) -> Iterator[socket.socket]:
    """Connect, send the beginning of something."""
    with socket.socket() as made:
        made.settimeout(GIVE_UP_SECONDS)
        if receive_bytes is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        made.connect((api.base_url.host, api.base_url.port))
        made.sendall(first)
        yield made


def connections(stack: ExitStack, api: httpx.Client, count: int, first: bytes) -> list[Any]:
    """Open so many, whatever the server does to them."""
    made = [stack.enter_context(connection(api)) for _ in range(count)]
    for one in made:
        try:
            one.sendall(first)
        except OSError:
            continue
    return made


def rest(made: socket.socket) -> bytes:
    """Read until the server closes."""
    got = bytearray()
    try:
        while piece := made.recv(1 << 16):
            got += piece
    except ConnectionError:
        pass
    return bytes(got)


def answer(made: socket.socket) -> Answer | None:
    """Read the answer that the server closes after; None where it closed without one."""
    got = rest(made)
    if not got:
        return None
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert headers["connection"] == "close"
    return Answer(int(first.split()[1]), headers, body)


def send(made: socket.socket, pieces: Iterable[bytes]) -> int:
    """Send until all is sent or the server takes no more; how many bytes it was."""
    sent = 0
    for piece in pieces:
        try:
            made.sendall(piece)
        except OSError:
            break
        sent += len(piece)
    return sent


def drip(made: socket.socket, piece: bytes) -> None:
    """Send a little again and again until the server closes."""
    made.settimeout(0.02)
    until = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < until:
        try:
            made.sendall(piece)
            if made.recv(1, socket.MSG_PEEK) is not None:
                break
        except TimeoutError:
            continue
        except OSError:
            break
    else:
        raise AssertionError("the server takes this for ever")
    made.settimeout(GIVE_UP_SECONDS)
