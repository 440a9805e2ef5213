"""Readers beside writers and a worker, and beside a server that goes away."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from acceptance.command_line import soon
from acceptance.own_server import OwnServer, own_server
from bible_progress.engine.worker import Worker, WorkerSettings
from bible_progress.installing import install
from support.builders import World
from web.site import served

V1 = "/api/v1"
READERS, SECONDS = 100, 30


@pytest.fixture
def own() -> Iterator[OwnServer]:
    with own_server(durable=True) as server:
        yield server


@pytest.mark.timeout(200)
def test_a_hundred_readers_see_no_error_and_nothing_stale(database: str) -> None:
    """Writers only add verses, so an answer is stale if it has fewer than were committed before."""
    stopping = threading.Event()
    with psycopg.connect(database, autocommit=True) as connection:
        world = World(connection)
        world.canon(books={"ps": (40,) * 50})
        versions = [world.text_version(name=f"v{n}") for n in range(4)]
        committed = dict.fromkeys(versions, 0)

        def write() -> None:
            for number in range(2000):
                if stopping.is_set():
                    return
                version = versions[number % len(versions)]
                world.text(version, [f"ps-{number // 40 % 50 + 1}-{number % 40 + 1}"])
                committed[version] += 1
                stopping.wait(0.01)

        worker = Worker(WorkerSettings(database_url=database, idle_seconds=0.02))
        threads = [threading.Thread(target=worker.run), threading.Thread(target=write)]
        with served(database, worker=worker) as api:
            for thread in threads:
                thread.start()
            try:
                # In a thread of its own: the browser of another test may keep a loop in this one.
                found = ThreadPoolExecutor(1).submit(
                    lambda: asyncio.run(_read(str(api.base_url), committed))
                )
                reads, faults = found.result()
            finally:
                stopping.set()
                worker.stop()
                for thread in threads:
                    thread.join()
    assert faults == []
    assert reads > READERS
    assert sum(committed.values()) > 100


async def _read(base: str, committed: dict) -> tuple[int, list[str]]:
    until = time.monotonic() + SECONDS
    faults: list[str] = []
    reads = 0
    limits = httpx.Limits(max_connections=READERS)
    async with httpx.AsyncClient(base_url=base, limits=limits, timeout=60) as client:

        async def reader(number: int) -> None:
            nonlocal reads
            chance = random.Random(number)
            while time.monotonic() < until and len(faults) < 10:
                version = chance.choice(list(committed))
                least = committed[version]
                path = chance.choice(["", "/books", "/tree?depth=book"])
                answer = await client.get(f"{V1}/versions/text/{version}{path}")
                if answer.status_code != 200:
                    faults.append(answer.text)
                    continue
                body = answer.json()
                found = body.get("covered_verses")
                if found is None:
                    found = sum(book["covered_verses"] for book in body["items"])
                if found < least:
                    faults.append(f"{path}: {found} where {least} were committed")
                reads += 1

        await asyncio.gather(*(reader(number) for number in range(READERS)))
    return reads, faults


@pytest.mark.timeout(200)
def test_requests_fail_cleanly_while_the_database_is_away_and_recover(own: OwnServer) -> None:
    with psycopg.connect(own.url, autocommit=True) as connection:
        install.install(connection)
        world = World(connection)
        world.canon()
        version = world.text_version()
        world.text(version, ["gen-1-1"])
    stopping = threading.Event()
    seen: list[tuple[int, str]] = []
    broken: list[str] = []

    with served(own.url) as api:

        def read() -> None:
            with httpx.Client(base_url=api.base_url, timeout=240) as client:
                while not stopping.is_set():
                    try:
                        answer = client.get(f"{V1}/versions/text/{version}")
                    except httpx.HTTPError as error:
                        broken.append(repr(error))
                        continue
                    problem = answer.json().get("code", "")
                    seen.append((answer.status_code, problem))
                    if answer.status_code not in (200, 503):
                        broken.append(answer.text)

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            assert soon(lambda: (200, "") in seen)
            own.kill()
            assert soon(lambda: (503, "database_unavailable") in seen, 30)
            assert api.get("/healthz").status_code == 200
            # What the killed server left behind ends when it next looks.
            assert soon(lambda: api.get("/readyz").status_code == 503)
            own.start()
            assert soon(lambda: api.get("/readyz").status_code == 200, 60)
            del seen[:]
            assert soon(lambda: (200, "") in seen, 30)
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
        assert broken == []
        assert api.get(f"{V1}/versions/text/{version}").json()["covered_verses"] == 1
