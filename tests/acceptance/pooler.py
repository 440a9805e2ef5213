"""A real PgBouncer before a database: few server connections, handed from client to client."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bible_progress.embedded.binaries import server_account

from .command_line import soon

PROGRAM = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")

# PgBouncer itself keeps these as each client wants them.
_TRACKED = (
    "application_name",
    "client_encoding",
    "DateStyle",
    "IntervalStyle",
    "standard_conforming_strings",
    "TimeZone",
)

# What one client may leave in a server connection for the next.
_STATE = """
select 'setting ' || name || ' = ' || setting
from pg_settings where source = 'session' and name <> all(%(tracked)s)
union all
select 'advisory lock ' || objid from pg_locks
where locktype = 'advisory' and pid = pg_backend_pid()
union all
select 'prepared statement ' || name from pg_prepared_statements
union all
select 'cursor ' || name from pg_cursors where is_holdable
union all
select 'listens to ' || channel from pg_listening_channels() as channel
union all
select 'temporary ' || relname from pg_class where relnamespace = pg_my_temp_schema()
union all
select 'role ' || current_user where current_user <> session_user
"""


class Pooler:
    """PgBouncer between a test and a server; `url` is the test's database behind it."""

    def __init__(self, url: str, folder: Path, *, size: int, mode: str) -> None:
        self.size = size
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        parts = conninfo_to_dict(url)
        where = {"host": parts.get("host"), "port": parts.get("port", 5432)}
        self.url = make_conninfo(url, host=str(folder), port=6432)
        user = str(parts.get("user", "postgres"))
        (folder / "users").write_text(f'"{user}" "{parts.get("password", "")}"\n')
        (folder / "ini").write_text(
            "[databases]\n"
            f"* = {' '.join(f'{name}={value}' for name, value in where.items())}\n"
            "[pgbouncer]\n"
            f"unix_socket_dir = {folder}\n"
            "listen_port = 6432\n"
            "auth_type = trust\n"
            f"auth_file = {folder / 'users'}\n"
            f"pool_mode = {mode}\n"
            f"default_pool_size = {size}\n"
            # As it is unless somebody asks: nothing is reset between clients.
            "server_reset_query_always = 0\n"
        )
        # It refuses to be root, like the server.
        self._account = server_account()
        if self._account is not None:
            os.chown(folder, self._account.uid, self._account.gid)

    def start(self) -> None:
        assert PROGRAM is not None
        account = self._account
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, str(self._folder / "ini")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                user=account and account.uid,
                group=account and account.gid,
                extra_groups=account and [],
            )
        assert soon(self._answers), self.log()

    def stop(self) -> None:
        """Cut every client off."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def left_behind(self) -> set[str]:
        """Return the session state in all server connections that a client would now get."""
        with ExitStack() as stack:
            connections = [stack.enter_context(psycopg.connect(self.url)) for _ in range(self.size)]
            servers: set[int] = set()
            found: set[str] = set()
            for connection in connections:
                # Each keeps its server until the end of its transaction, so they all differ.
                servers.add(connection.info.backend_pid)
                rows = connection.execute(_STATE, {"tracked": list(_TRACKED)}).fetchall()
                found |= {what for (what,) in rows}
                pid = connection.execute("select pg_backend_pid()").fetchone()
                assert pid is not None
                servers.add(pid[0])
            assert len(servers) >= self.size
            return found

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        return (self._folder / ".s.PGSQL.6432").is_socket()


@contextmanager
def pooler(url: str, *, size: int = 2, mode: str = "transaction") -> Iterator[Pooler]:
    """Run PgBouncer before a database; skips the test where it is not installed."""
    if PROGRAM is None:
        pytest.skip("PgBouncer is not installed (Debian package pgbouncer)")
    folder = Path(tempfile.mkdtemp(prefix="bp-pool-"))
    running = Pooler(url, folder, size=size, mode=mode)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder)
