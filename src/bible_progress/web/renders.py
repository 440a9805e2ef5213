"""Pages rendered once for all who look at them, and again only when something has changed."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from dataclasses import dataclass
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
    at: float
    response: Response
    body: bytes
    compressed: bytes


class Renders:
    """Shares the renders of pages; used by the event loop only.

    Whoever comes before a render has begun gets that one, and whoever comes while it runs gets the
    next: so every answer is as the database was after the request came, and a page is rendered
    once at a time, however many look at it.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[_Rendered]] = {}
        self._following: dict[Hashable, asyncio.Task[_Rendered]] = {}
        self._kept: dict[Hashable, _Rendered] = {}

    async def get(
        self, key: Hashable, render: Callable[[_Rendered | None], _Rendered]
    ) -> _Rendered:
        """Return what `render` returns, or what it returned for another; raises as it does."""
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
    sees: Callable[[Request], Hashable] = lambda _: None,
) -> Callable[[Callable[..., Response]], Callable[..., Any]]:
    """Render a page once for all who ask for its address at once and see the same; see Renders.

    One that reads by `reading` is not rendered again while the database is as it was.
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
                    return before
                body = bytes(response.body)
                moment = getattr(request.state, "moment", None)
                return _Rendered(moment, at, response, body, gzip.compress(body, 4, mtime=0))

            renders: Renders = request.app.state.renders
            found = await renders.get((str(request.url), sees(request)), render)
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
