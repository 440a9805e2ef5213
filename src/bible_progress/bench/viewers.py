"""P10: pages of a library of many versions, alone and while many look at them and others write.

Viewers, in a process of their own, do what a browser does: each listens to live updates and reads
its page again when that names what it shows, as web/static/dashboard.js does.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from ..db import connect_as_host
from .figures import Figure, Tick, quantile
from .processes import START_SECONDS, child, worker
from .worlds import QUERIES

GOAL_MS = 100.0
KEPT_PACE = 0.95
VIEWERS = 200
QUICK_VIEWERS = 20
SECONDS = 30.0
QUICK_SECONDS = 4.0
WRITES_PER_SECOND = 4
# A browser's own least time between two reads of a page.
LEAST_SECONDS = 2.0
# Of the viewers one in two looks at the overview, the others at these versions.
WATCHED = 10


def measure(
    address: str, url: str, versions: Sequence[UUID], *, quick: bool, seed: int, tick: Tick
) -> list[Figure]:
    """Let viewers look while somebody writes to the versions they watch, and a worker drains."""
    viewers, seconds = (QUICK_VIEWERS, QUICK_SECONDS) if quick else (VIEWERS, SECONDS)
    watched, others = versions[:WATCHED], versions[WATCHED:]
    tick(f"{viewers} viewers", 0.0)
    with (
        worker(url),
        child(_view, address, watched, others, viewers, seconds, seed) as looking,
        child(_write, url, watched, seconds) as writing,
    ):
        if not looking.poll(START_SECONDS):
            raise RuntimeError("the viewers did not start")
        looking.recv()
        writing.send("go")
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not looking.poll(min(left, 0.5)):
            tick(f"{viewers} viewers", 1 - left / seconds)
        read = looking.recv()
        written = writing.recv()
    if isinstance(read, str):
        raise RuntimeError(f"a viewer failed: {read}")
    again, fresh = ([1000 * s for s in read[name]] for name in ("again", "fresh"))
    planned = WRITES_PER_SECOND * seconds
    crowd = f"with {viewers} viewers and {WRITES_PER_SECOND} writes/s"
    halves = [again[: len(again) // 2], again[len(again) // 2 :]]
    medians = [quantile(half, 0.5) for half in halves]
    details = {
        "reads_per_second": round(len(again) / seconds, 1),
        "p95_ms": round(quantile(again, 0.95), 1),
        "p99_ms": round(quantile(again, 0.99), 1),
        "slowest_ms": round(max(again), 1),
    }
    return [
        Figure(
            goal="P10",
            what=f"a page read again, {crowd}",
            value=quantile(again, 0.5),
            unit="ms",
            limit=None if quick else GOAL_MS,
            low=min(medians),
            high=max(medians),
            details=details,
        ),
        Figure(
            goal="P10",
            what=f"a page that nobody else looks at, {crowd}",
            value=quantile(fresh, 0.5),
            unit="ms",
            low=quantile(fresh, 0.1),
            high=quantile(fresh, 0.9),
        ),
        Figure(
            goal="P10",
            what="share of the planned writes that were kept",
            value=min(1.0, written["seconds"] and planned / written["seconds"] / WRITES_PER_SECOND),
            limit=KEPT_PACE,
            at_least=True,
            details={"write_ms_p50": round(1000 * quantile(written["each"], 0.5), 2)},
        ),
    ]


def _write(pipe: Pipe, url: str, versions: Sequence[UUID], seconds: float) -> None:
    """Write one verse at a time on schedule, however late; send how long it all took."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with connect_as_host(url) as connection, suppress(EOFError):
        pipe.recv()
        began, each = time.monotonic(), list[float]()
        for number in range(round(WRITES_PER_SECOND * seconds)):
            time.sleep(max(0.0, began + number / WRITES_PER_SECOND - time.monotonic()))
            at = time.monotonic()
            connection.execute(
                QUERIES["change_verse"], {"version": versions[number % len(versions)]}
            )
            each.append(time.monotonic() - at)
        pipe.send({"seconds": time.monotonic() - began + 1 / WRITES_PER_SECOND, "each": each})


def _view(
    pipe: Pipe,
    address: str,
    watched: Sequence[UUID],
    others: Sequence[UUID],
    viewers: int,
    seconds: float,
    seed: int,
) -> None:
    """Look; send once that all look, then how long each read took, in seconds, or what failed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    host = urlsplit(address)
    where = (host.hostname or "", host.port or 0)
    chance = random.Random(seed)
    again: list[float] = []
    fresh: list[float] = []

    async def look() -> None:
        everyone = [
            _Viewer(where, None if number % 2 else watched[number % len(watched)])
            for number in range(viewers)
        ]
        await asyncio.gather(*(viewer.arrive() for viewer in everyone))
        pipe.send("looking")
        until = time.monotonic() + seconds

        async def visit() -> None:
            visitor = _Viewer(where, None)
            await visitor.connect()
            while time.monotonic() < until or not fresh:
                fresh.append(await visitor.read(f"/versions/text/{chance.choice(others)}"))
                await asyncio.sleep(0.2)
            await visitor.leave()

        await asyncio.gather(visit(), *(viewer.look(until, chance, again) for viewer in everyone))

    try:
        asyncio.run(look())
        pipe.send({"again": again, "fresh": fresh})
    except Exception as error:
        pipe.send(repr(error))


class _Viewer:
    """One browser: a connection that listens, and one that reads."""

    def __init__(self, where: tuple[str, int], version: UUID | None) -> None:
        self._where = where
        self._version = version and str(version)
        self._path = "/" if version is None else f"/versions/text/{version}"

    async def connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(*self._where)

    async def arrive(self) -> None:
        """Open the page, and listen until live updates are ready."""
        await self.connect()
        await self.read(self._path)
        self._events, self._asked = await asyncio.open_connection(*self._where)
        self._ask(self._asked, "/api/v1/events")
        self._spread: float = (await self._event())["spread_seconds"]

    async def look(self, until: float, chance: random.Random, took: list[float]) -> None:
        """Read the page again whenever it may have changed."""
        reads, last = 0, -LEAST_SECONDS
        # Something may have changed between the page and the first look.
        due: float | None = time.monotonic() + self._spread * chance.random()
        coming: asyncio.Task[dict[str, Any]] | None = None
        while (now := time.monotonic()) < until or not reads:
            coming = coming or asyncio.create_task(self._event())
            done, _ = await asyncio.wait([coming], timeout=max(0.0, (due or until) - now))
            if done:
                said, coming = coming.result(), None
                names = {version["id"] for version in said["versions"]}
                if due is None and (self._version in (None, *names) or not names):
                    spread = said["spread_seconds"] * chance.random()
                    due = max(time.monotonic() + spread, last + LEAST_SECONDS)
            if due is not None and time.monotonic() >= due:
                reads, last, due = reads + 1, time.monotonic(), None
                took.append(await self.read(self._path, again=True))
        if coming:
            coming.cancel()
        await self.leave()

    async def read(self, path: str, *, again: bool = False) -> float:
        """Read a page, `again` because of live updates; return the seconds until it was here."""
        began = time.monotonic()
        self._ask(self._writer, path, "HX-Request: true\r\nHX-Trigger: live\r\n" * again)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        assert head.startswith("http/1.1 200"), head
        length = head.partition("content-length: ")[2].partition("\r\n")[0]
        await self._reader.readexactly(int(length))
        return time.monotonic() - began

    async def leave(self) -> None:
        for writer in (self._writer, getattr(self, "_asked", None)):
            if writer is not None:
                writer.close()

    def _ask(self, writer: asyncio.StreamWriter, path: str, more: str = "") -> None:
        host, port = self._where
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{more}"
            "Accept: text/html, text/event-stream\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        )

    async def _event(self) -> dict[str, Any]:
        while True:
            line = await self._events.readline()
            if not line:
                raise ConnectionError("live updates ended")
            if line.startswith(b"data: "):
                return json.loads(line[6:])
