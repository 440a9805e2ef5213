"""A real PostgreSQL without a server: start one on a private socket, leave nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote

from ..errors import EmbeddedFailed
from .binaries import (
    Account,
    find_binaries,
    refuse_windows,
    scratch_root,
    server_account,
    usable_binaries,
)
from .folders import (
    LOG_NAME,
    STAGING_PREFIX,
    check_cluster,
    give,
    hold_data_folder,
    new_run_folder,
    unlock,
)

__all__ = ["EmbeddedPostgres", "database_server", "find_binaries"]

START_SECONDS = 120.0
STOP_SECONDS = 60.0
_SUPERVISOR = Path(__file__).absolute().with_name("supervisor.py")
_LOG_BYTES = 65536
_DEFAULTS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# Everything else stays out: PG* variables, and secrets that the server's account may not see.
_KEPT_ENVIRONMENT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class EmbeddedPostgres:
    """A PostgreSQL server that belongs to this process and ends with it, however it ends.

    `data_dir` is kept between runs: its subfolder `pgdata` holds the cluster, made by initdb at
    the first start, beside the server's log and a lock. Without it the data is temporary. As
    root the server runs as `postgres` or `nobody`, who must be able to enter `data_dir`; modes
    and owners of folders that exist are never changed. `durable=False` gives up safety against
    power loss, for tests and demos. `settings` are PostgreSQL's, by name. Any thread may start
    and stop it. Everyone who can open the socket is a superuser: the folder is private.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        binaries: Path | None = None,
        durable: bool = True,
    ) -> None:
        self._data_dir = None if data_dir is None else Path(data_dir).absolute()
        self._settings = _DEFAULTS | ({} if durable else _NOT_DURABLE) | dict(settings or {})
        self._binaries = binaries
        self._sync = durable and data_dir is not None
        self._account: Account | None = None
        self._base: Path | None = None
        self._data = Path()
        self._log: Path | None = None
        self._last_log = ""
        self._locks: list[int] = []
        self._child: subprocess.Popen[bytes] | None = None
        self._lifeline: socket.socket | None = None
        self._pid = 0
        self._owner = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the server. Raises EmbeddedFailed when it is not started."""
        self._running_base()
        return self._pid

    @property
    def url(self) -> str:
        """URL of the database `postgres`. Raises EmbeddedFailed when it is not started."""
        return self.url_for("postgres")

    def url_for(self, database: str) -> str:
        """URL of a database of this server. Raises EmbeddedFailed when it is not started."""
        host = quote(str(self._running_base() / "s"), safe="")
        return f"postgresql://postgres@/{quote(database, safe='')}?host={host}&port=5432"

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of the server's log, also after `stop`."""
        if self._log is not None:
            with suppress(OSError), self._log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_BYTES))
                self._last_log = log.read().decode(errors="replace")
        return "\n".join(self._last_log.splitlines()[-lines:])

    def check(self) -> None:
        """Raise EmbeddedFailed with the end of the log unless the server runs."""
        self._running_base()
        if self._child is not None and self._child.poll() is not None:
            raise self._failure(f"ended on its own (exit code {self._child.returncode})")

    def start(self) -> Self:
        """Start the server and wait until it accepts connections.

        Raises EmbeddedFailed when there are no programs, the data folder cannot be used, or the
        server does not start; nothing is left running then.
        """
        refuse_windows()
        if self._child is not None:
            raise EmbeddedFailed("this embedded PostgreSQL is started already")
        self._owner = os.getpid()
        try:
            self._start()
        except OSError as error:
            self.stop()
            raise EmbeddedFailed(f"the embedded PostgreSQL cannot start: {error}") from error
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Shut the server down, remove temporary folders; harmless when it is not started."""
        if os.getpid() != self._owner:
            return  # a fork of the process that owns the server
        try:
            self._end_child()
        finally:
            self.log_tail()
            self._log = None
            if self._base is not None:
                shutil.rmtree(self._base, ignore_errors=True)
                self._base = None
            for lock in self._locks:
                unlock(lock)
            self._locks.clear()

    def _start(self) -> None:
        account = self._account = server_account()
        found = self._binaries or find_binaries()
        self._base, lock = new_run_folder(scratch_root(account), account)
        self._locks.append(lock)
        binaries, major = usable_binaries(found, account, self._base)
        give(self._base, account)  # so that its supervisor can remove it
        home = self._base
        if self._data_dir is not None:
            home = self._data_dir
            self._locks.append(hold_data_folder(home, account))
        self._log = home / LOG_NAME
        sockets = self._base / "s"
        sockets.mkdir(mode=0o700)
        give(sockets, account)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW
        log = os.open(self._log, flags, 0o600)
        try:
            self._data = home / "pgdata"
            if self._data.exists():
                check_cluster(self._data, account, major)
            else:
                self._initdb(binaries, self._data, log)
            fixed = {"unix_socket_directories": f'"{sockets}"', "port": "5432"}
            command = [str(binaries / "postgres"), "-D", str(self._data)]
            for name, value in (self._settings | fixed).items():
                command += ["-c", f"{name}={value}"]
            self._spawn(command, self._data, log, self._base)
        finally:
            os.close(log)
        self._wait_until_ready()

    def _initdb(self, binaries: Path, data: Path, log: int) -> None:
        """Make a new cluster beside its place and move it there, so that none is ever half made."""
        staging = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=data.parent))
        try:
            give(staging, self._account)
            command = [str(binaries / "initdb"), f"--pgdata={staging}", "--username=postgres"]
            command += ["--auth=trust", "--encoding=UTF8", "--locale=C"]
            command += [] if self._sync else ["--no-sync"]
            child = self._spawn(command, staging, log, staging, *filter(None, [self._base]))
            try:
                code = child.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                raise self._failure("could not make its data folder in time") from None
            if code != 0:
                raise self._failure("could not make its data folder")
            self._end_child()
            staging.rename(data)
        finally:
            self._end_child()
            shutil.rmtree(staging, ignore_errors=True)

    def _spawn(
        self, command: list[str], home: Path, log: int, *folders: Path
    ) -> subprocess.Popen[bytes]:
        """Start a command as the server's account under the supervisor."""
        account = self._account or Account("", os.geteuid(), os.getegid())
        environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
        arguments = [os.getpid(), account.uid, account.gid, *folders, "--", *command]
        self._lifeline, theirs = socket.socketpair()
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SUPERVISOR), *map(str, arguments)],
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment | {"HOME": str(home), "LC_ALL": "C"},
                pass_fds=self._locks,  # held until the last process of the server is gone
                start_new_session=True,
            )
        self._lifeline.settimeout(START_SECONDS)
        self._pid = int(self._lifeline.recv(32) or b"0")
        return self._child

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._child is None or self._child.poll() is not None:
                raise self._failure("did not start")
            lines = self._postmaster_file()
            # The file of a server that was killed has another pid until it is replaced.
            if lines[:1] == [str(self._pid)] and lines[7:8] and lines[7].strip() == "ready":
                return
            time.sleep(0.01)
        raise self._failure(f"was not ready within {START_SECONDS:.0f} s")

    def _end_child(self) -> None:
        """End what the supervisor runs, and with it the supervisor."""
        child, self._child = self._child, None
        lifeline, self._lifeline = self._lifeline, None
        try:
            if child is not None and lifeline is not None:
                with suppress(OSError):
                    lifeline.send(b"x")  # closing is not enough where a fork has it
                child.wait(STOP_SECONDS)
        finally:
            if lifeline is not None:
                lifeline.close()
        if child is not None and child.returncode < 0:  # the supervisor itself was killed
            self._end_orphan()

    def _end_orphan(self) -> None:
        """Stop a server that lost its supervisor (Linux does it alone) and wait for its end."""
        deadline = time.monotonic() + STOP_SECONDS
        while self._postmaster_file()[:1] == [str(self._pid)] and time.monotonic() < deadline:
            try:
                os.kill(self._pid, signal.SIGINT)
            except ProcessLookupError:
                return
            time.sleep(0.1)

    def _postmaster_file(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _running_base(self) -> Path:
        if self._child is None or self._base is None:
            raise EmbeddedFailed("the embedded PostgreSQL is not started")
        return self._base

    def _failure(self, what: str) -> EmbeddedFailed:
        tail = self.log_tail()
        return EmbeddedFailed(
            f"the embedded PostgreSQL {what}" + (f"; the end of its log:\n{tail}" if tail else "")
        )


@contextmanager
def database_server(
    database_url: str | None,
    *,
    data_dir: Path | None = None,
    settings: Mapping[str, str] | None = None,
    durable: bool = True,
) -> Generator[str]:
    """Yield `database_url` if there is one, else the URL of an embedded server for the block."""
    if database_url:
        yield database_url
        return
    with EmbeddedPostgres(data_dir, settings=settings, durable=durable) as server:
        yield server.url
