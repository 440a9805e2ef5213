"""API, dashboard and worker in one process, on one port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress

import uvicorn

from ..errors import BibleProgressError
from ..worker import Worker
from .app import create_app
from .settings import WebSettings

STOP_SECONDS = 3


@contextmanager
def serving(settings: WebSettings, *, worker: Worker | None = None) -> Generator[str]:
    """Serve while the block runs; gives the address. `worker` is not started, only shown.

    Port 0 takes a free one. Raises BibleProgressError where the port is taken, UsageError for
    settings that would not be safe.
    """
    app = create_app(settings, metrics=worker.metrics if worker else None)
    with closing(_listen(settings)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                # Who names another sender is believed only where a proxy of this machine says so.
                proxy_headers=True,
                forwarded_allow_ips="127.0.0.1",
                timeout_graceful_shutdown=STOP_SECONDS,
                limit_concurrency=2000,
            )
        )
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True
        )
        thread.start()
        port = listener.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        try:
            yield f"http://{host}:{port}/"
        finally:
            with suppress(AttributeError):
                # Listeners of live updates hold their connections as long as they may.
                app.state.changes.stop()
            server.should_exit = True
            thread.join(STOP_SECONDS + 2)


def _listen(settings: WebSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With the protocol named asyncio sends at once instead of waiting for acknowledgements.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise BibleProgressError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}",
            hint="Choose another --port; 0 takes a free one.",
        ) from error
    return listener
