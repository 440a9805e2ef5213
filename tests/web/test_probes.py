"""Probes beside reads that wait: nothing that blocks readers keeps a monitor from its answer."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio.to_thread
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from acceptance.command_line import soon
from acceptance.installation import Installation
from bible_progress.web import app, operations
from web.site import code, served

V1 = "/api/v1"
# So many take every connection and every thread, and as many again wait for theirs.
BLOCKED = 200


def in_flight(api: httpx.Client) -> float:
    """Return how many requests are under way beside the one that asks."""
    families = text_string_to_metric_families(api.get("/metrics").text)
    [family] = [f for f in families if f.name == "bible_progress_http_requests_in_flight"]
    return family.samples[0].value - 1


@pytest.mark.timeout(300)
def test_probes_answer_while_every_connection_and_thread_waits(
    database: str, site: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    [version] = site.texts(1)
    # So that none of them gives up meanwhile.
    monkeypatch.setattr(app, "POOL_WAIT_SECONDS", 200.0)
    with served(database, pool_size=4) as api, ThreadPoolExecutor(1) as aside:
        site.run("begin")
        site.run("lock table text_versions, audio_versions in access exclusive mode")
        try:
            path = f"{api.base_url}{V1}/versions/text/{version}"
            blocked = aside.submit(lambda: asyncio.run(_all_at_once(path)))
            assert soon(lambda: in_flight(api) == BLOCKED)
            for probe, text in (("/healthz", "ok\n"), ("/readyz", "ready\n")):
                for method in ("GET", "HEAD"):
                    answer = api.request(method, probe)
                    assert (answer.status_code, answer.text) == (200, text * (method == "GET"))
                    # Were it behind the others, they would have ended before it.
                    assert in_flight(api) > BLOCKED / 2
            # What is refused or not there needs no thread either.
            assert code(api.get(f"{V1}/nothing")) == (404, "not_found")
            assert code(api.post(f"{V1}/refresh")) == (403, "no_secret_set")
            assert in_flight(api) > BLOCKED / 2
            assert not blocked.done()
        finally:
            site.run("rollback")
        assert {200} <= set(blocked.result()) <= {200, 503}
        assert soon(lambda: in_flight(api) == 0)


async def _all_at_once(path: str) -> list[int]:
    limits = httpx.Limits(max_connections=BLOCKED)
    async with httpx.AsyncClient(limits=limits, timeout=240) as client:
        answers = await asyncio.gather(*(client.get(path) for _ in range(BLOCKED)))
    return [answer.status_code for answer in answers]


def test_a_database_that_does_not_answer_is_not_ready_and_is_asked_once(
    database: str, site: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waiting() -> int:
        return site.value(
            "select count(*) from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'"
        )

    with served(database) as api, ThreadPoolExecutor(8) as pool:
        assert api.get("/readyz").status_code == 200
        # A busy machine may need longer than this for the first one, which connects.
        monkeypatch.setattr(operations, "READY_SECONDS", 0.2)
        site.run("begin")
        site.run("lock table progress.settings in access exclusive mode")
        try:
            answers = list(pool.map(lambda _: api.get("/readyz"), range(24)))
            assert {code(answer) for answer in answers} == {(503, "database_busy")}
            assert all(answer.headers["retry-after"] for answer in answers)
            assert waiting() == 1
            assert api.get("/healthz").status_code == 200
        finally:
            site.run("rollback")
        assert soon(lambda: api.get("/readyz").status_code == 200)


def test_a_database_of_another_release_or_suspended_is_not_ready(
    database: str, site: Installation
) -> None:
    with served(database) as api:
        site.run("update progress.settings set oldest_code = 1000000")
        assert code(api.get("/readyz")) == (503, "wrong_schema")
        site.run("update progress.settings set oldest_code = 1")
        assert api.get("/readyz").status_code == 200
        site.run("update progress.settings set suspended_at = now()")
        assert code(api.get("/readyz")) == (503, "wrong_schema")


def test_probes_need_no_thread_at_all(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none_left(*_: Any, limiter: Any = None, **__: Any) -> Any:
        raise AssertionError("a thread was asked for")

    with served(database) as api:
        monkeypatch.setattr(anyio.to_thread, "run_sync", none_left)
        assert api.get("/healthz").status_code == 200
        assert api.get("/metrics").status_code == 200
