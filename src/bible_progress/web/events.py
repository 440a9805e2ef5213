"""Live updates: which versions changed, to any number of listeners over one connection."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import contextmanager
from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from psycopg import Connection
from psycopg.rows import tuple_row

from .. import sql
from ..db import connect
from ..errors import BibleProgressError
from .problems import ProblemError, responses

log = logging.getLogger("bible_progress.web")

# How often one connection looks for all listeners; also the least time between two events.
EVERY_SECONDS = 0.5
AWAY_SECONDS = 2.0
KEPT_EVENTS = 500
# Listeners that all read again at once would wait for each other: this much for each of them.
SPREAD_SECONDS = 0.01
# More than that and a list says less than "look again".
MAX_NAMED = 200

_QUERIES = sql.queries("documents")
_State = dict[tuple[str, str], str]
# Told that a part, by its name for people, ended by itself, and the error that it ended with.
Ended = Callable[[str, BaseException | None], None]


class Changes:
    """Looks what changed while anybody listens, and keeps the latest events for those who return.

    Event ids are `<process>-<number>`; one that is not known any more is answered with `reset`.
    """

    def __init__(self, database_url: str, *, at_most: int, ended: Ended) -> None:
        self._url = database_url
        self._at_most = at_most
        self._places = 0
        self._ended = ended
        self._process = secrets.token_hex(4)
        self._kept: deque[tuple[int, list[dict[str, str]]]] = deque(maxlen=KEPT_EVENTS)
        self._number = 0
        # When listeners were last told to read again: what is read from then on is what they need.
        self.told_at = 0.0
        self._listeners: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._seen: _State | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)

    def start(self) -> None:
        """Begin; nothing is asked of the database before somebody listens."""
        self._thread.start()

    def stop(self) -> None:
        """End, and let every listener go."""
        self._stopping.set()
        self._wanted.set()
        self._wake()

    @contextmanager
    def place(self) -> Generator[None]:
        """Keep a place for one who listens, or is about to. Raises ProblemError without one."""
        with self._lock:
            if self._places >= self._at_most:
                raise ProblemError("too_many_listeners", f"{self._at_most} clients listen already")
            self._places += 1
        try:
            yield
        finally:
            with self._lock:
                self._places -= 1

    async def listen(self, last_event_id: str | None) -> AsyncIterator[ServerSentEvent]:
        """Yield what changed since `last_event_id`, or from the first event on, until stopped."""
        woken = asyncio.Event()
        with self._lock:
            self._listeners[woken] = asyncio.get_running_loop()
            number, missed = self._since(last_event_id)
        self._wanted.set()
        try:
            # Before the first look nobody could say what changed after it.
            while self._seen is None and not self._stopping.is_set():
                await woken.wait()
                woken.clear()
            self.told_at = time.monotonic()
            yield ServerSentEvent(
                event="reset" if missed else "ready",
                id=f"{self._process}-{number}",
                data=self._data([]),
                retry=2000,
            )
            while not self._stopping.is_set():
                with self._lock:
                    news = [event for event in self._kept if event[0] > number]
                for number, versions in news:
                    yield ServerSentEvent(
                        event="changed",
                        id=f"{self._process}-{number}",
                        data=self._data(versions),
                    )
                await woken.wait()
                woken.clear()
        finally:
            with self._lock:
                del self._listeners[woken]
                if not self._listeners and not self._stopping.is_set():
                    self._wanted.clear()

    def _data(self, versions: list[dict[str, str]]) -> dict[str, Any]:
        return {
            "versions": versions,
            "spread_seconds": round(SPREAD_SECONDS * len(self._listeners), 2),
        }

    def _since(self, last_event_id: str | None) -> tuple[int, bool]:
        """Return the number to go on from, and whether events before it are lost."""
        if last_event_id is None:
            return self._number, False
        process, _, text = last_event_id.partition("-")
        oldest = self._kept[0][0] - 1 if self._kept else self._number
        if process == self._process and text.isascii() and text.isdigit():
            number = int(text[:18])
            if oldest <= number <= self._number:
                return number, False
        return self._number, True

    def _run(self) -> None:
        try:
            self._look()
        except BaseException as error:
            # Nobody would be told of changes any more: let listeners go, to come back elsewhere.
            self.stop()
            self._ended("the look for changes", error)

    def _look(self) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._url, application_name="bible-progress changes") as connection:
                    while not self._stopping.is_set():
                        self._wanted.wait()
                        before, now = self._seen, _state(connection)
                        self._seen = now
                        if before is None:
                            self._wake()
                        elif now != before:
                            self._publish(
                                [
                                    {"kind": kind, "id": version}
                                    for kind, version in sorted(now.keys() | before.keys())
                                    if now.get((kind, version)) != before.get((kind, version))
                                ]
                            )
                        self._stopping.wait(EVERY_SECONDS)
            except (psycopg.Error, BibleProgressError) as error:
                log.warning(
                    "cannot look for changes, trying again",
                    extra={"action": "changes", "error": " ".join(str(error).split())},
                )
                self._stopping.wait(AWAY_SECONDS)

    def _publish(self, versions: list[dict[str, str]]) -> None:
        with self._lock:
            self.told_at = time.monotonic()
            self._number += 1
            self._kept.append((self._number, versions if len(versions) <= MAX_NAMED else []))
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            for woken, loop in self._listeners.items():
                loop.call_soon_threadsafe(woken.set)


def _state(connection: Connection[Any]) -> _State:
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_QUERIES["state_of_versions"]).fetchall()
    return {(kind, str(version)): mark for kind, version, mark in rows}


PATH = "/events"

router = APIRouter(tags=["live updates"])


async def _place(request: Request) -> AsyncGenerator[Changes]:
    changes: Changes = request.app.state.changes
    with changes.place():
        yield changes


@router.get(
    PATH,
    response_class=EventSourceResponse,
    responses=responses("too_many_listeners"),
    summary="Which versions changed, as they change",
)
async def events(
    changes: Annotated[Changes, Depends(_place)],
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events. `changed` names the versions whose numbers may have changed since the
    event before, at most twice a second; none named means many. `ready` comes first; `reset`
    instead when events since `Last-Event-ID` are lost: read again what you show. Wait before that
    for a random part of `spread_seconds`, which grows with those who listen.
    """
    async for event in changes.listen(last_event_id):
        yield event
