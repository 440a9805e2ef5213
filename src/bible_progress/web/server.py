"""API, dashboard and worker in one process, on one port."""

from __future__ import annotations

import logging
import resource
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import replace

import uvicorn

from ..engine.worker import Worker
from ..errors import BibleProgressError
from .app import create_app
from .edge import connections_of
from .settings import Limits, WebSettings

log = logging.getLogger("bible_progress.web")

STOP_SECONDS = 3
# How soon it is seen that the server listens.
LOOK_SECONDS = 0.01

# How many connections are taken in one go. A few times as many are open before any is let go for
# them, since the loop takes several turns to begin and to end one.
_ACCEPTED_AT_ONCE = 20
# Open files for those, the database, the worker and the pages.
_OTHER_FILES = 300
_LEAST_CONNECTIONS = 20
# How many connections the system may keep until they are taken.
_BACKLOG = 2048
# What the system keeps of an answer that its client does not read, doubled by Linux.
_SEND_BYTES = 128 * 1024
# When a client that is gone without a word is given up.
_GONE_MILLISECONDS = 30_000


class _Failures:
    """The first part of the server that ended without being told to."""

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._first: tuple[str, BaseException | None] | None = None

    def add(self, part: str, error: BaseException | None) -> None:
        """Take note that a part ended; from any thread."""
        log.error("%s ended", part, exc_info=error, extra={"action": "ended"})
        self._first = self._first or (part, error)
        self._told()

    def check(self) -> None:
        """Raise BibleProgressError where a part has ended."""
        if self._first is not None:
            part, error = self._first
            reason = f": {type(error).__name__}: {error}" if error is not None else ""
            raise BibleProgressError(
                f"{part} ended by itself{reason}", hint="The log has the details; start it again."
            ) from error


@contextmanager
def serving(
    settings: WebSettings,
    *,
    worker: Worker | None = None,
    on_failure: Callable[[], None] | None = None,
) -> Generator[str]:
    """Serve while the block runs; gives the address. `worker` is not started, only shown.

    Port 0 takes a free one. Where a part of the server ends by itself, `on_failure` is called, by
    the thread that ended, and should let the block end, which then raises BibleProgressError. So
    does the beginning where the server does not start or the port is taken; UsageError comes of
    settings that would not be safe.
    """
    settings = replace(settings, limits=_within_files(settings.limits))
    app = create_app(settings, metrics=worker.metrics if worker else None)
    with closing(_listen(settings)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                http=connections_of(app.state.edge),
                ws="none",
                h11_max_incomplete_event_size=settings.limits.head_bytes,
                timeout_keep_alive=settings.limits.idle_seconds,
                timeout_graceful_shutdown=STOP_SECONDS,
                backlog=_ACCEPTED_AT_ONCE,
                # The application knows which proxies it believes.
                proxy_headers=False,
            )
        )

        def tell() -> None:
            server.should_exit = True
            if on_failure is not None:
                on_failure()

        failures = _Failures(tell)
        app.state.ended = failures.add
        is_stopping = threading.Event()

        def run() -> None:
            error: BaseException | None = None
            try:
                server.run(sockets=[listener])
            except BaseException as raised:
                error = raised
            if not is_stopping.is_set():
                failures.add("the web server", error)

        thread = threading.Thread(target=run, name="web", daemon=True)
        thread.start()
        while thread.is_alive() and not server.started:
            thread.join(LOOK_SECONDS)
        failures.check()
        # As many as are taken in one go is what the server makes of it.
        listener.listen(_BACKLOG)
        port = listener.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        try:
            yield f"http://{host}:{port}/"
        finally:
            is_stopping.set()
            # Listeners of live updates hold their connections as long as they may.
            app.state.changes.stop()
            server.should_exit = True
            thread.join(STOP_SECONDS + 2)
        failures.check()


def _listen(settings: WebSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With the protocol named asyncio sends at once instead of waiting for acknowledgements.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _GONE_MILLISECONDS)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise BibleProgressError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}",
            hint="Choose another --port; 0 takes a free one.",
        ) from error
    return listener


def _within_files(limits: Limits) -> Limits:
    """Return limits that fit the open files of this process, of which it takes what it may."""
    wanted = limits.connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return limits
    return replace(limits, connections=max(_LEAST_CONNECTIONS, soft - _OTHER_FILES))
