"""Live updates: what changed is named, can be gone on with, and costs one connection."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
from psycopg import Connection

from acceptance.command_line import soon
from acceptance.installation import Installation

V1 = "/api/v1"


def events(answer: httpx.Response) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (event, id, version ids)."""
    found: dict[str, str] = {}
    for line in answer.iter_lines():
        if not line and "event" in found:
            versions = [v["id"] for v in json.loads(found["data"])["versions"]]
            yield found["event"], found["id"], versions
            found = {}
        name, _, value = line.partition(": ")
        found[name] = value


def listen(api: httpx.Client, last: str | None = None) -> Any:
    headers = {"Last-Event-ID": last} if last else {}
    return api.stream("GET", f"{V1}/events", headers=headers)


def test_what_changes_is_named_and_nothing_is_missed_between(
    api: httpx.Client, site: Installation
) -> None:
    one, other = site.texts(2)
    with listen(api) as answer:
        stream = events(answer)
        assert next(stream)[0] == "ready"
        site.touch(one)
        name, last, versions = next(stream)
        assert (name, versions) == ("changed", [str(one)])
        site.drain()
        name, last, versions = next(stream)
        assert (name, versions) == ("changed", [str(one)])
    site.touch(other)
    with listen(api, last) as answer:
        stream = events(answer)
        assert next(stream)[0] == "ready"
        assert next(stream)[2] == [str(other)]


def test_ready_means_that_every_later_change_is_told(
    api: httpx.Client, site: Installation, connect: Callable[..., Connection[Any]]
) -> None:
    [version] = site.texts(1)
    holder = connect(autocommit=False)
    holder.execute("lock table progress.version_rollup in access exclusive mode")
    with listen(api) as answer, ThreadPoolExecutor() as threads:
        stream = events(answer)
        first = threads.submit(next, stream)
        assert soon(
            lambda: site.rows(
                "select from pg_stat_activity where wait_event_type = 'Lock'"
                " and application_name = 'bible-progress changes'"
            )
        )
        assert not first.done()
        holder.rollback()
        assert first.result(240)[0] == "ready"
        site.touch(version)
        assert next(stream)[2] == [str(version)]


def test_a_swap_that_leaves_the_counts_alone_is_a_change(
    api: httpx.Client, site: Installation
) -> None:
    [version] = site.texts(1)
    site.touch(version)
    site.drain()
    before = site.value("select refreshed_at from progress.version_rollup")
    site.run("delete from verse_texts where verse_id = 'gen-1-1'")
    site.run(
        "insert into verse_texts (text_version_id, verse_id, verse_text) values (%s, %s, 'x')"
        " on conflict (text_version_id, verse_id) do update set verse_text = 'x'",
        version,
        "gen-1-3",
    )
    site.drain()
    assert site.value("select refreshed_at from progress.version_rollup") > before


def test_events_that_are_lost_are_told(api: httpx.Client, site: Installation) -> None:
    for last in ("somebody-1", "nonsense", "-", "x-99999999999999999999"):
        with listen(api, last) as answer:
            assert next(events(answer))[0] == "reset"


def test_many_listeners_need_one_connection(api: httpx.Client, site: Installation) -> None:
    [version] = site.texts(1)
    count = 40
    got: list[list[str]] = []
    with ExitStack() as stack:
        client = stack.enter_context(
            httpx.Client(base_url=api.base_url, limits=httpx.Limits(max_connections=count))
        )
        streams = [events(stack.enter_context(listen(client))) for _ in range(count)]
        assert [next(stream)[0] for stream in streams] == ["ready"] * count
        connections = site.value(
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and application_name like 'bible-progress%%'"
        )
        assert connections <= 2
        site.touch(version)
        threads = [
            threading.Thread(target=lambda s=stream: got.append(next(s)[2])) for stream in streams
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(240)
    assert got == [[str(version)]] * count
