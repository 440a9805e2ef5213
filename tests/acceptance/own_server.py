"""A PostgreSQL server that a test may stop, kill and start again at the same address."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psycopg

from bible_progress.embedded.server import EmbeddedPostgres
from bible_progress.errors import EmbeddedFailed

from .command_line import GIVE_UP_SECONDS, soon


class OwnServer:
    """An embedded server on a kept data folder, reached through a link that outlives it.

    The server's socket is in another folder at every start; `url` names the link to it, as
    `{sockets}` does in a setting.
    """

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool,
        settings: Mapping[str, str],
        binaries: Path | None,
    ) -> None:
        self._folder = folder
        self._durable = durable
        self._binaries = binaries
        self._settings = {
            name: value.replace("{sockets}", str(folder / "now"))
            for name, value in settings.items()
        }
        self._server: EmbeddedPostgres | None = None
        self.url = f"postgresql://postgres@/postgres?host={quote(str(folder / 'now'), safe='')}"

    @property
    def pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    def start(self) -> None:
        self._server = self._started()
        sockets = parse_qs(urlsplit(self._server.url).query)["host"][0]
        link = self._folder / "now"
        link.unlink(missing_ok=True)
        link.symlink_to(sockets)

    def _started(self) -> EmbeddedPostgres:
        """Start once the children of a killed server are gone; each ends when it next looks."""
        until = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                return EmbeddedPostgres(
                    self._folder / "data",
                    settings=self._settings,
                    binaries=self._binaries,
                    durable=self._durable,
                ).start()
            except EmbeddedFailed as error:
                if "still in use" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def kill(self) -> None:
        """Kill the postmaster as a machine that fails would; its children end without it."""
        os.kill(self.pid, signal.SIGKILL)
        self.stop()

    def freeze(self) -> list[int]:
        """Stop every process of the server in its tracks; return them for `thaw`."""
        with psycopg.connect(self.url) as connection:
            backends = connection.execute("select pid from pg_stat_activity").fetchall()
        frozen = [self.pid, *(pid for (pid,) in backends)]
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return frozen

    def thaw(self, frozen: list[int]) -> None:
        for pid in reversed(frozen):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def own_server(
    *,
    durable: bool = False,
    settings: Mapping[str, str] | None = None,
    binaries: Path | None = None,
) -> Iterator[OwnServer]:
    """Run a server of the test's own, in a folder that its account can enter."""
    folder = Path(tempfile.mkdtemp(prefix="bp-own-"))
    folder.chmod(0o755)
    server = OwnServer(folder, durable=durable, settings=settings or {}, binaries=binaries)
    try:
        server.start()
        assert soon(server.answers)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
