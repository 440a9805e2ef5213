"""The application: routes, middleware, and what lives as long as it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import __version__
from ..db import pool
from ..engine.metrics import Metrics
from . import dashboard, events, languages, operations, problems, versions
from .description import describe
from .edge import Edge, Room, Whole
from .events import Changes, Ended
from .guesses import Guesses
from .operations import Readiness
from .problems import Problems
from .proxies import Forwarded
from .renders import COMPRESS_FROM_BYTES, COMPRESS_LEVEL, Renders
from .security import EveryRequest, Hosts, Sessions
from .settings import WebSettings

log = logging.getLogger("bible_progress.web")

API = "/api/v1"
POOL_WAIT_SECONDS = 5.0

_DESCRIPTION = """\
Which verses of which versions are there, exact at the moment of asking. Every document says
`as_of` and whether changes are `pending`; send its `ETag` back as `If-None-Match`. Errors are
`application/problem+json` with a stable `code`. Lists go on at `next_cursor`."""


def create_app(settings: WebSettings, *, metrics: Metrics | None = None) -> FastAPI:
    """Return the application; `metrics` are those of a worker in this process.

    Raises UsageError for settings that would not be safe.
    """
    settings.check()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        ended: Ended = app.state.ended
        try:
            app.state.pool = pool(
                settings.database_url, size=settings.pool_size, wait_seconds=POOL_WAIT_SECONDS
            )
            app.state.readiness = Readiness(settings.database_url)
            app.state.changes = Changes(
                settings.database_url, at_most=settings.limits.listeners, ended=ended
            )
            app.state.changes.start()
        except Exception as error:
            # The server would tell of it, but nobody who waits for the server.
            ended("the web application", error)
            raise
        watching = None if metrics else asyncio.create_task(operations.watch(app))
        if watching:
            watching.add_done_callback(
                lambda task: task.cancelled() or ended("the look at the queue", task.exception())
            )
        try:
            yield
        finally:
            if watching:
                watching.cancel()
            app.state.changes.stop()
            app.state.readiness.close()
            app.state.pool.close(timeout=1)

    app = FastAPI(
        title="Bible Progress",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        openapi_url=f"{API}/openapi.json",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        # A path has one spelling; another is told that there is nothing.
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.ended = _log_end
    app.state.sessions = Sessions()
    app.state.renders = Renders()
    app.state.guesses = Guesses()
    app.state.downloads = threading.BoundedSemaphore(max(1, settings.pool_size // 2))
    app.state.metrics = metrics or Metrics()
    app.state.edge = Edge(settings.limits, app.state.metrics.http)
    for router in (versions.router, languages.router, operations.router, events.router):
        app.include_router(router, prefix=API)
    app.include_router(operations.health)
    problems.install(app)
    dashboard.install(app)

    # The last one is the outermost. Errors of the routes are told to pages of other sites as well,
    # and may be compressed; those of what stands outside of the routes are problems too.
    app.add_middleware(Problems)
    app.add_middleware(OnceMore)
    app.add_middleware(
        GZipMiddleware, minimum_size=COMPRESS_FROM_BYTES, compresslevel=COMPRESS_LEVEL
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET"],
            expose_headers=["ETag", "Link", "X-As-Of", "X-Pending", "X-Request-Id"],
        )
    app.add_middleware(HeadAsGet)
    app.add_middleware(Hosts, allowed=settings.hosts())
    app.add_middleware(Room, beside=("/healthz", "/metrics", f"{API}{events.PATH}"))
    app.add_middleware(Problems)
    app.add_middleware(EveryRequest)
    app.add_middleware(Forwarded, proxies=settings.proxies())
    app.add_middleware(Whole)
    describe(app)
    return app


def _log_end(part: str, error: BaseException | None) -> None:
    """Where nobody wants to know that a part of the application ended, the log does."""
    log.error("%s ended", part, exc_info=error, extra={"action": "ended"})


class OnceMore:
    """Answers a GET a second time where its read had to make way, as on a standby for recovery."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        made_way = False

        async def first(message: Message) -> None:
            nonlocal made_way
            if message["type"] == "http.response.start":
                made_way = scope["state"].pop("made_way", False)
            if not made_way:
                await send(message)

        await self._app(scope, receive, first)
        if made_way:
            await self._app(scope, receive, send)


class HeadAsGet:
    """Answers HEAD as GET without the body, for monitors and link checkers.

    Not live updates, whose body has no end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] == f"{API}{events.PATH}":
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"

        async def out(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 405:
                headers = MutableHeaders(scope=message)
                methods = headers.get("allow", "").split(", ")
                if "GET" in methods and "HEAD" not in methods:
                    headers["allow"] = ", ".join([*methods, "HEAD"])
            await send({**message, "body": b""} if is_head and "body" in message else message)

        inner = {**scope, "method": "GET"} if is_head else scope
        try:
            await self._app(inner, receive, out)
        finally:
            # Of whoever counts by it.
            scope["route"] = inner.get("route")
