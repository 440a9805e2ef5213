"""Operations: health, metrics, queue, dead letters, and the hook that drains."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import psycopg
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from psycopg import Connection
from psycopg_pool import ConnectionPool
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ..db import connect, pool, translated
from ..engine import drain
from ..engine.metrics import Metrics
from ..engine.worker import BEAT_SECONDS
from ..errors import BibleProgressError
from ..reading import documents as d
from ..reading import insights
from .problems import ProblemError, responses
from .reads import LETTER_CURSOR, Reads, cursor_in, cursor_out
from .security import onlooker, operator
from .versions import CURSOR, Limit, cursor_of

LetterCursor = Annotated[Annotated[str, cursor_of(LETTER_CURSOR)] | None, Query(description=CURSOR)]

router = APIRouter(tags=["operations"])
health = APIRouter(tags=["operations"])

_OPERATED = responses(
    "secret_needed", "too_many_guesses", "no_secret_set", "forbidden", "invalid_request",
    "database_unavailable", "database_busy", "not_installed", "wrong_schema", "refused", "guarded",
)  # fmt: skip
_SEEN = responses(
    "secret_needed", "too_many_guesses", "forbidden", "invalid_request", "database_unavailable",
    "database_busy", "not_installed", "wrong_schema",
)  # fmt: skip


async def watch(app: FastAPI) -> None:
    """Look at the queue as often as a worker does, in a process that runs none."""
    counted: Metrics = app.state.metrics

    def look() -> None:
        with translated(), app.state.pool.connection() as connection:
            counted.observe(insights.status(connection), insights.hindrances(connection))

    while True:
        # First, so that the pool has its connection by then and opens no second one for this.
        await asyncio.sleep(BEAT_SECONDS)
        # Requests say what is wrong; the next look may find it mended.
        with suppress(BibleProgressError):
            await run_in_threadpool(look)


READY_SECONDS = 2.0
_1970, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class Readiness:
    """Asks whether the database can be worked with, beside all reads: on a connection and a thread
    of its own, at most once at a time, whoever wants to know.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        # Opened by the first who asks: servers that are not probed need no connection for it.
        self._pool: ConnectionPool[Connection[Any]] | None = None
        self._limiter = CapacityLimiter(1)
        self._look: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Raise what hinders; ProblemError `database_busy` where that takes too long to be said."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(to_thread.run_sync(self._ask, limiter=self._limiter))
            # Nobody may be left to be told what it found.
            self._look.add_done_callback(lambda look: look.cancelled() or look.exception())
        try:
            # One that waits, for a lock for example, is not asked a second time beside itself.
            await asyncio.wait_for(asyncio.shield(self._look), READY_SECONDS)
        except TimeoutError:
            raise ProblemError(
                "database_busy", f"the database did not answer in {READY_SECONDS:g} s"
            ) from None

    def close(self) -> None:
        """Close the connection."""
        if self._pool is not None:
            self._pool.close(timeout=1)

    def _ask(self) -> None:
        if self._pool is None:
            self._pool = pool(self._url, size=1, wait_seconds=READY_SECONDS)
        with translated(), self._pool.connection() as connection:
            drain.require_schema(connection)


# Probes are async and take no thread of those that requests share: these may all be waiting.
@health.get("/healthz", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def healthz() -> Response:
    """Whether the process serves; it asks nothing of the database."""
    return Response("ok\n", media_type="text/plain")


@health.get(
    "/readyz",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}}},
        **responses("database_unavailable", "database_busy", "not_installed", "wrong_schema"),
    },
)
async def readyz(request: Request) -> Response:
    """Whether the database answers and a Bible Progress that fits is installed in it."""
    readiness: Readiness = request.app.state.readiness
    await readiness.check()
    return Response("ready\n", media_type="text/plain")


@health.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}}},
        **responses("secret_needed", "too_many_guesses"),
    },
    dependencies=[Depends(onlooker)],
)
async def metrics(request: Request) -> Response:
    """The queue, and what this process drained and audited, for Prometheus."""
    counted: Metrics = request.app.state.metrics
    return Response(generate_latest(counted.registry), media_type=CONTENT_TYPE_LATEST)


@router.get(
    "/operations/queue",
    response_model=d.Queue,
    responses=_SEEN,
    dependencies=[Depends(onlooker)],
)
def get_queue(request: Request, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Any:
    """What waits to be drained."""
    with Reads(request.app.state.pool).snapshot() as snapshot:
        state = insights.status(snapshot.connection)
        items = insights.queue(snapshot.connection, limit)
    return d.Queue(
        as_of=datetime.now(UTC),
        depth=state.queue_depth,
        oldest_seconds=state.oldest_signal_seconds,
        dirty_versions=state.dirty_versions,
        unsettled_changes=state.unsettled_changes,
        workers=state.workers,
        last_drain_at=state.last_drain_at,
        items=[d.QueuedVersion(**asdict(item)) for item in items],
    )


@router.get(
    "/operations/dead-letters",
    response_model=d.DeadLetters,
    responses=_SEEN,
    dependencies=[Depends(onlooker)],
)
def list_dead_letters(request: Request, limit: Limit = 50, cursor: LetterCursor = None) -> Any:
    """Signals that were given up, the oldest first, and versions whose last drain failed."""
    after = cursor_in(cursor, LETTER_CURSOR)
    if after is not None:
        died_at, id_ = json.loads(after)
        after = json.dumps([(_1970 + int(died_at) * _MICROSECOND).isoformat(), id_])
    with Reads(request.app.state.pool).snapshot() as snapshot:
        # One more tells whether there is another page.
        letters = insights.dead_letters(snapshot.connection, limit + 1, after)
        failures = insights.failures(snapshot.connection, 200)
    shown = letters[:limit]
    key = None
    if letters[limit:]:
        last = shown[-1]
        key = [str((last.died_at - _1970) // _MICROSECOND), str(last.id)]
    return d.DeadLetters(
        as_of=datetime.now(UTC),
        failing=[d.FailedVersion(**asdict(failure)) for failure in failures],
        items=[d.DeadLetterItem(**asdict(letter)) for letter in shown],
        next_cursor=cursor_out(key),
    )


@router.post(
    "/operations/dead-letters/{letter_id}/retry",
    status_code=204,
    responses={**_OPERATED, **responses("not_found")},
    dependencies=[Depends(operator)],
)
def retry_dead_letter(request: Request, letter_id: UUID) -> None:
    """Put a dead letter back into the queue."""
    change_dead_letter(request, letter_id, "retry")


@router.delete(
    "/operations/dead-letters/{letter_id}",
    status_code=204,
    responses={**_OPERATED, **responses("not_found")},
    dependencies=[Depends(operator)],
)
def discard_dead_letter(request: Request, letter_id: UUID) -> None:
    """Drop a dead letter whose version is right all the same; refused otherwise."""
    change_dead_letter(request, letter_id, "discard")


def change_dead_letter(request: Request, letter_id: UUID, action: str) -> None:
    """Retry or discard a dead letter; raises ProblemError `not_found` for one that is not there."""
    with _own(request) as connection, connection.transaction():
        drain.guard(connection, f"dead-letter {action}", automated=False, reason=None)
        if letter_id not in {letter.id for letter in insights.dead_letters(connection)}:
            raise ProblemError("not_found", f"there is no dead letter {letter_id}")
        if action == "retry":
            insights.retry_dead_letters(connection, [letter_id])
        else:
            insights.discard_dead_letter(connection, letter_id)


@router.post(
    "/refresh",
    response_model=d.Refreshed,
    responses=_OPERATED,
    dependencies=[Depends(operator)],
)
def refresh(
    request: Request,
    seconds: Annotated[
        float, Query(gt=0, le=50, allow_inf_nan=False, description="Stops after that.")
    ] = 5.0,
) -> Any:
    """Drain what waits, for schedulers that can call a URL. Safe to call twice at once."""
    started = time.monotonic()
    counted: Metrics = request.app.state.metrics
    drained = failed = idle = 0
    with translated(), _own(request) as connection:
        # No single drain may take what is left of the time and more.
        drainer = drain.Drainer(connection, statement_seconds=seconds)
        while time.monotonic() - started < seconds and idle < 3:
            worked = False
            try:
                waiting = drainer.due(20)
            except psycopg.errors.QueryCanceled:
                # The time went by before anything was known: what waits still waits.
                break
            for version in waiting:
                if time.monotonic() - started >= seconds:
                    break
                began = time.monotonic()
                try:
                    result = drainer.drain(version)
                    counted.drained(version.kind, result, time.monotonic() - began)
                    outcome = result.outcome
                except psycopg.errors.QueryCanceled:
                    outcome = "failed"
                drained += outcome == "drained"
                failed += outcome in ("failed", "dead")
                worked = worked or outcome not in ("locked", "waiting")
            # Changes of structure settle in rounds.
            idle = 0 if worked else idle + 1
        remaining = insights.status(connection).dirty_versions
    return d.Refreshed(
        drained=drained,
        failed=failed,
        seconds=round(time.monotonic() - started, 3),
        remaining=remaining,
    )


def _own(request: Request) -> Connection[Any]:
    return connect(request.app.state.settings.database_url, application_name="bible-progress hook")
