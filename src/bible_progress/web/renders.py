"""Pages rendered once for all who look at them, and again only when something has changed."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from .reads import Reads, Snapshot

# A page says when it was made, and ages in it grow: an unchanged one serves no longer.
KEPT_SECONDS = 2.0
KEPT_PAGES = 64
# Of every answer, whoever compresses it.
COMPRESS_FROM_BYTES, COMPRESS_LEVEL = 1000, 4


class _UnchangedError(Exception):
    """Ends a render: the database is as it was at the one before."""


@dataclass(frozen=True, slots=True)
class _Rendered:
    # What the database's snapshot was; None where a page shows more than the database.
    moment: str | None
    # Monotonic: before it was read, and before it was last found to be still right.
    at: float
    right_at: float
    response: Response
    compressed: bytes


class Renders:
    """Shares the renders of pages; used by the event loop only.

    Whoever comes before a render has begun gets that one, and whoever comes while it runs gets the
    next: so every answer is as the database was after the request came, and a page is rendered
    once at a time, however many look at it. Whoever was told to read again needs none that began
    later than that.
    """

    def __init__(self) -> None:
        # Each with the monotonic time at which it began.
        self._running: dict[Hashable, tuple[float, asyncio.Task[_Rendered]]] = {}
        self._following: dict[Hashable, asyncio.Task[_Rendered]] = {}
        self._kept: dict[Hashable, _Rendered] = {}

    async def get(
        self,
        key: Hashable,
        render: Callable[[_Rendered | None], _Rendered],
        *,
        since: float | None = None,
    ) -> _Rendered:
        """Return what `render` returns, or what it returned for another; raises as it does.

        With `since` one will do that began after that moment of the monotonic clock.
        """
        if since is not None:
            kept = self._kept.get(key)
            if kept and kept.right_at >= since and time.monotonic() - kept.at < KEPT_SECONDS:
                return kept
            began, running = self._running.get(key, (0.0, None))
            if running and began >= since:
                return await asyncio.shield(running)
        task = self._following.get(key)
        if task is None:
            task = asyncio.create_task(self._render(key, render))
            self._following[key] = task
        # One who goes away does not take it from the others.
        return await asyncio.shield(task)

    async def _render(
        self, key: Hashable, render: Callable[[_Rendered | None], _Rendered]
    ) -> _Rendered:
        task = self._following[key]
        if key in self._running:
            await asyncio.wait([self._running[key][1]])
        del self._following[key]
        self._running[key] = (time.monotonic(), task)
        try:
            rendered = await run_in_threadpool(render, self._kept.get(key))
        finally:
            del self._running[key]
        self._keep(key, rendered)
        return rendered

    def _keep(self, key: Hashable, rendered: _Rendered) -> None:
        self._kept.pop(key, None)
        oldest = time.monotonic() - KEPT_SECONDS
        for other in [k for k, kept in self._kept.items() if kept.at < oldest]:
            del self._kept[other]
        if len(self._kept) >= KEPT_PAGES:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = rendered


def shared(
    sees: Callable[[Request], Hashable] = lambda _: None, *, follows_events: bool = True
) -> Callable[[Callable[..., Response]], Callable[..., Any]]:
    """Render a page once for all who ask for its address at once and see the same; see Renders.

    One that reads by `reading` is not rendered again while the database is as it was. One that
    `follows_events` may be read again by all whom live updates told so from one render.
    """

    def of_all(page: Callable[..., Response]) -> Callable[..., Any]:
        @wraps(page)
        async def for_all(request: Request, **named: Any) -> Response:
            def render(before: _Rendered | None) -> _Rendered:
                at = time.monotonic()
                if before is not None and at - before.at < KEPT_SECONDS:
                    request.state.before = before.moment
                try:
                    response = page(request, **named)
                except _UnchangedError:
                    assert before is not None
                    return replace(before, right_at=at)
                moment = getattr(request.state, "moment", None)
                compressed = gzip.compress(response.body, COMPRESS_LEVEL, mtime=0)
                return _Rendered(moment, at, at, response, compressed)

            renders: Renders = request.app.state.renders
            since: float | None = None
            # Of dashboard.js, which reads again what the page shows.
            if follows_events and request.headers.get("hx-trigger") == "live":
                since = request.app.state.changes.told_at
            found = await renders.get((str(request.url), sees(request)), render, since=since)
            return _answer(request, found)

        return for_all

    return of_all


@contextmanager
def reading(request: Request) -> Generator[Snapshot]:
    """Give what a shared page reads; ends its render where that is what it read before."""
    with Reads(request.app.state.pool).snapshot() as found:
        moment = found.moment()
        if moment == getattr(request.state, "before", None):
            raise _UnchangedError
        yield found
    request.state.moment = moment


def _answer(request: Request, found: _Rendered) -> Response:
    """Return a response of one request's own: middleware adds to its headers."""
    made = found.response
    is_compressed = len(made.body) >= COMPRESS_FROM_BYTES and "gzip" in request.headers.get(
        "accept-encoding", ""
    )
    answer = Response(found.compressed if is_compressed else made.body, made.status_code)
    for name, value in made.headers.items():
        if name != "content-length":
            answer.headers[name] = value
    answer.headers.add_vary_header("Accept-Encoding")
    if is_compressed:
        answer.headers["Content-Encoding"] = "gzip"
    return answer
