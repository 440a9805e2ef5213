"""Requests byte by byte, as no client would send them."""

from __future__ import annotations

import socket
from email.parser import BytesParser
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx


class Answer(NamedTuple):
    status: int
    headers: httpx.Headers
    body: bytes


def ask(
    api: httpx.Client,
    target: str | bytes = "/healthz",
    *headers: str | bytes,
    method: str = "GET",
    version: str = "1.1",
    body: bytes = b"",
    host: bool = True,
) -> Answer:
    """Send a request of these bytes, text as latin-1, and return what comes until the end."""
    base = urlsplit(str(api.base_url))
    lines = [f"{method} ".encode() + _bytes(target) + f" HTTP/{version}".encode()]
    lines += [f"Host: {base.netloc}".encode()] if host else []
    lines += [_bytes(header) for header in headers]
    lines += [b"Connection: close", f"Content-Length: {len(body)}".encode()]
    assert base.hostname
    with socket.create_connection((base.hostname, base.port), timeout=120) as connection:
        connection.sendall(b"\r\n".join([*lines, b"", body]))
        received = b""
        while part := connection.recv(65536):
            received += part
    first, _, rest = received.partition(b"\r\n")
    head, _, content = rest.partition(b"\r\n\r\n")
    fields = BytesParser().parsebytes(head + b"\r\n\r\n", headersonly=True)
    return Answer(int(first.split()[1]), httpx.Headers(fields.items()), content)


def _bytes(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text
