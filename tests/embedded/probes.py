"""What tests of the embedded PostgreSQL look at from outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

# A program that owns a server and tells its pid and URL.
OWNER = """
import os, sys, time
from pathlib import Path
from bible_progress.embedded.server import EmbeddedPostgres
folder = Path(sys.argv[2]) if sys.argv[2:] else None
with EmbeddedPostgres(folder, durable=False) as server:
    if sys.argv[1] == "fork" and os.fork() == 0:
        time.sleep(600)
    print(server.pid, server.url, flush=True)
    time.sleep(600)
"""


def value(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def run_folder(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0]).parent


def lives(pid: int) -> bool:
    """Tell whether a process runs. One that ended but was not collected does not count."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False
    return subprocess.run(["ps", "-p", str(pid)], stdout=subprocess.DEVNULL).returncode == 0


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
