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
COMPRESS_FROM_BYTES = 1000


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
    body: bytes
    compressed: bytes


class Renders:
    """Shares the renders of pages; used by the event loop only.

    Whoever comes before a render has begun gets that one, and whoever comes while it runs gets the
    next: so every answer is as the database was after the request came, and a page is rendered
    once at a time, however many look at it. Whoever was told to read again needs none that began
    later than that.
    """

    def __init__(self) -> None:
        self._began: dict[Hashable, float] = {}
        self._running: dict[Hashable, asyncio.Task[_Rendered]] = {}
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
            if key in self._running and self._began[key] >= since:
                return await asyncio.shield(self._running[key])
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
        if before := self._running.get(key):
            await asyncio.wait([before])
        del self._following[key]
        self._running[key] = task
        self._began[key] = time.monotonic()
        try:
            rendered = await run_in_threadpool(render, self._kept.get(key))
        finally:
            del self._running[key], self._began[key]
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
                body = bytes(response.body)
                moment = getattr(request.state, "moment", None)
                packed = gzip.compress(body, 4, mtime=0)
                return _Rendered(moment, at, at, response, body, packed)

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
    is_compressed = len(found.body) >= COMPRESS_FROM_BYTES and "gzip" in request.headers.get(
        "accept-encoding", ""
    )
    answer = Response(found.compressed if is_compressed else found.body, found.response.status_code)
    for name, value in found.response.headers.items():
        if name != "content-length":
            answer.headers[name] = value
    answer.headers.add_vary_header("Accept-Encoding")
    if is_compressed:
        answer.headers["Content-Encoding"] = "gzip"
    return answer
