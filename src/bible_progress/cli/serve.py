"""bible-progress serve"""

from __future__ import annotations

import argparse
import re
import threading
from contextlib import suppress
from dataclasses import replace

from ..db import affordable, connect
from ..engine.drain import require_primary, require_schema
from ..engine.worker import Worker, WorkerSettings
from ..errors import UsageError
from ..reading import insights
from ..web.settings import SESSION_COOKIE, network
from .options import (
    Subparsers,
    database_url,
    port_or_any,
    positive,
    require_database,
    setting,
    truth,
)
from .output import Console
from .worker import configure_logging, log_format, log_level, run_until_told, wait_for_interrupt

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9a-f:.]+\]"
_PORT = r"(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
_ALLOWED_HOST = re.compile(rf"\*|(?:\*\.)?(?:{_HOST})")
_ORIGIN = re.compile(rf"\*|https?://(?:{_HOST})(?::{_PORT})?")


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "serve",
        help="the HTTP API, the dashboard and a worker",
        description="Serve the HTTP API and the dashboard, and drain, until SIGTERM or Ctrl-C.",
    )
    database_url(parser)
    setting(
        parser,
        "--host",
        env="BIBLE_PROGRESS_HOST",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where to listen; elsewhere than on this machine only with a secret",
    )
    setting(
        parser,
        "--port",
        env="BIBLE_PROGRESS_PORT",
        type=port_or_any,
        default="8080",
        metavar="PORT",
        help="the port; 0 takes a free one",
    )
    setting(
        parser,
        "--secret",
        env="BIBLE_PROGRESS_SECRET",
        metavar="SECRET",
        help="opens operations; better in the environment, since others see command lines",
    )
    setting(
        parser,
        "--allowed-hosts",
        env="BIBLE_PROGRESS_ALLOWED_HOSTS",
        type=_allowed_hosts,
        metavar="NAMES",
        help="host names that requests may name, with commas between",
    )
    setting(
        parser,
        "--cors-origins",
        env="BIBLE_PROGRESS_CORS_ORIGINS",
        type=_cors_origins,
        metavar="ORIGINS",
        help="origins whose pages may read the API, with commas between; none unless given",
    )
    setting(
        parser,
        "--trusted-proxies",
        env="BIBLE_PROGRESS_TRUSTED_PROXIES",
        type=_networks,
        metavar="ADDRESSES",
        help="addresses and networks of proxies whose X-Forwarded-Proto, -For and -Host are"
        " believed, with commas between",
    )
    setting(
        parser,
        "--secure-cookie",
        env="BIBLE_PROGRESS_SECURE_COOKIE",
        type=truth,
        default="false",
        alone=True,
        metavar="true|false",
        help="give the cookie of a login to encrypted connections only, also where no proxy says"
        " that this is one",
    )
    setting(
        parser,
        "--cookie-name",
        env="BIBLE_PROGRESS_COOKIE_NAME",
        default=SESSION_COOKIE,
        metavar="NAME",
        help="the cookie of a login; each server of a host needs one of its own",
    )
    setting(
        parser,
        "--pool-size",
        env="BIBLE_PROGRESS_POOL_SIZE",
        type=positive,
        default="8",
        metavar="N",
        help="database connections for reads",
    )
    setting(
        parser,
        "--concurrency",
        env="BIBLE_PROGRESS_CONCURRENCY",
        type=positive,
        default="2",
        metavar="N",
        help="connections that drain side by side",
    )
    parser.add_argument(
        "--no-worker", action="store_true", help="only serve; something else drains"
    )
    setting(
        parser,
        "--log-format",
        env="BIBLE_PROGRESS_LOG_FORMAT",
        type=log_format,
        default="json",
        metavar="json|text",
        help="how to write the log",
    )
    setting(
        parser,
        "--log-level",
        env="BIBLE_PROGRESS_LOG_LEVEL",
        type=log_level,
        default="INFO",
        metavar="LEVEL",
        help="INFO logs every request, DEBUG every drain",
    )
    parser.set_defaults(run=run)


def require_web() -> None:
    """Raise UsageError where the packages of the web server are not installed."""
    try:
        from ..web import server  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError as error:
        raise UsageError(
            f"the web server needs packages that are not installed ({error.name})",
            hint='Install them: pip install "bible-progress[web]"',
        ) from error


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop."""
    url = require_database(options)
    require_web()
    from ..web.server import serving
    from ..web.settings import WebSettings

    configure_logging(options.log_format, options.log_level)
    settings = WebSettings(
        database_url=url,
        host=options.host,
        port=options.port,
        secret=options.secret,
        allowed_hosts=options.allowed_hosts or (),
        cors_origins=options.cors_origins or (),
        pool_size=options.pool_size,
        trusted_proxies=options.trusted_proxies or (),
        secure_cookie=options.secure_cookie,
        cookie_name=options.cookie_name,
    )
    # A wrong URL or a missing installation is told at once, not to the first visitor.
    settings.check()
    concurrency = 0 if options.no_worker else options.concurrency
    with connect(url) as connection:
        require_schema(connection)
        if concurrency:
            require_primary(connection)
        insights.status(connection)
        # Live updates, the probe, the hook, and what a worker has besides have their own.
        pool_size, *drains = affordable(
            connection, options.pool_size, *([concurrency] if concurrency else []), also=5
        )
    settings = replace(settings, pool_size=pool_size)
    worker = Worker(WorkerSettings(database_url=url, concurrency=drains[0])) if drains else None
    ended = threading.Event()
    on_failure = ended.set if worker is None else worker.stop
    with serving(settings, worker=worker, on_failure=on_failure) as address:
        Console().print(address, markup=False)
        if worker is not None:
            run_until_told(worker)
        else:
            with suppress(KeyboardInterrupt):
                wait_for_interrupt(ended)
    return 0


def _allowed_hosts(text: str) -> tuple[str, ...]:
    return _names(text, _ALLOWED_HOST, "a host name, without scheme and port, such as a.example")


def _cors_origins(text: str) -> tuple[str, ...]:
    return _names(text, _ORIGIN, "an origin, such as https://a.example or http://localhost:3000")


def _names(text: str, pattern: re.Pattern[str], expected: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in text.split(","))
    for name in names:
        if not pattern.fullmatch(name) or (name == "*" and len(names) > 1):
            raise argparse.ArgumentTypeError(f"{name[:80]!r} is not {expected}")
    return names


def _networks(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        try:
            network(name)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    return names
