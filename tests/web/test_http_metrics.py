"""What /metrics says of requests: each once, by template, in flight until its answer ends."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from acceptance.command_line import soon
from acceptance.installation import Installation
from bible_progress.engine.metrics import Metrics
from bible_progress.engine.worker import Worker, WorkerSettings
from bible_progress.web import downloads
from web.site import served

V1 = "/api/v1"
VERSION = f"{V1}/versions/{{kind}}/{{version_id}}"
NOWHERE = "00000000-0000-0000-0000-000000000000"


class Counted:
    """Reads /metrics; what it asks itself is counted too, in a route of its own."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        for family in text_string_to_metric_families(self._api.get("/metrics").text):
            for sample in family.samples:
                yield sample.name.removeprefix("bible_progress_http_"), sample.labels, sample.value

    def requests(self) -> dict[tuple[str, str, str], float]:
        return {
            (labels["method"], labels["route"], labels["status"]): value
            for name, labels, value in self.samples()
            if name == "requests_total" and labels["route"] != "/metrics"
        }

    def timed(self) -> dict[str, float]:
        return {
            labels["route"]: value
            for name, labels, value in self.samples()
            if name == "request_seconds_count" and labels["route"] != "/metrics"
        }

    def in_flight(self) -> float:
        """Return how many are asked beside this one."""
        [value] = [value for name, _, value in self.samples() if name == "requests_in_flight"]
        return value - 1


@pytest.fixture
def counted(api: httpx.Client) -> Counted:
    return Counted(api)


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        ("GET", "/healthz", ("GET", "/healthz", "2xx")),
        ("HEAD", "/healthz", ("HEAD", "/healthz", "2xx")),
        ("GET", f"{V1}/versions", ("GET", f"{V1}/versions", "2xx")),
        ("GET", f"{V1}/versions?limit=0", ("GET", f"{V1}/versions", "4xx")),
        ("GET", f"{V1}/versions/text/{NOWHERE}", ("GET", VERSION, "4xx")),
        ("GET", f"{V1}/versions/text/{NOWHERE}/tree", ("GET", f"{VERSION}/tree", "4xx")),
        ("HEAD", f"{V1}/versions/text/{NOWHERE}/tree", ("HEAD", f"{VERSION}/tree", "4xx")),
        (
            "GET",
            f"{V1}/versions/text/{NOWHERE}/chapters/a/b",
            ("GET", f"{VERSION}/chapters/{{chapter_id}}", "4xx"),
        ),
        ("GET", f"/versions/text/{NOWHERE}", ("GET", "/versions/{kind}/{version_id}", "4xx")),
        ("GET", "/login", ("GET", "/login", "3xx")),
        ("GET", f"{V1}/openapi.json", ("GET", f"{V1}/openapi.json", "2xx")),
        ("GET", "/static/dashboard.css", ("GET", "/static", "2xx")),
        ("GET", "/static/secret", ("GET", "/static", "4xx")),
        ("GET", "/wp-admin/setup.php", ("GET", "unknown", "4xx")),
        ("GET", f"{V1}/nothing/{NOWHERE}", ("GET", "unknown", "4xx")),
        ("POST", f"{V1}/refresh", ("POST", f"{V1}/refresh", "4xx")),
        ("PROPFIND", "/", ("other", "/", "4xx")),
    ],
)
def test_a_request_is_counted_once_by_its_template(
    api: httpx.Client, counted: Counted, method: str, path: str, wanted: tuple[str, str, str]
) -> None:
    assert counted.requests() == {}
    for times in (1, 2):
        api.request(method, path)
        # Its end is counted when its client may have the answer already.
        assert soon(lambda: counted.requests() == {wanted: times})  # noqa: B023
        assert counted.timed() == {wanted[1]: times}


def test_no_id_becomes_a_label(api: httpx.Client, site: Installation, counted: Counted) -> None:
    versions = site.texts(4)
    for version in versions:
        for path in ("", "/tree", "/gaps", "/badge.svg", "/chapter?id=gen-1", "/chapters/gen-1"):
            assert api.get(f"{V1}/versions/text/{version}{path}").status_code == 200
        assert api.get(f"/versions/text/{version}").status_code == 200
    found = counted.requests()
    assert len(found) == 7
    assert set(found.values()) == {4}
    assert not any(str(version) in str(found) for version in versions)


def test_live_updates_are_in_flight_until_they_end_and_not_timed(
    api: httpx.Client, site: Installation, counted: Counted
) -> None:
    site.texts(1)
    assert counted.in_flight() == 0
    with api.stream("GET", f"{V1}/events") as events:
        assert events.status_code == 200
        lines = events.iter_lines()
        assert next(lines)
        assert counted.in_flight() == 1
        assert counted.requests() == {}
    assert soon(lambda: counted.in_flight() == 0)
    assert counted.requests() == {("GET", f"{V1}/events", "2xx"): 1}
    assert counted.timed() == {}


def test_a_download_is_in_flight_until_its_last_row(
    api: httpx.Client, site: Installation, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "ROWS_AT_ONCE", 2)
    site.texts(24, drained=False)
    site.run("update text_versions set name = repeat(md5(id::text), 30000)")
    plain = {"Accept-Encoding": "identity"}
    with api.stream("GET", f"{V1}/versions?format=csv", headers=plain) as answer:
        rows: Any = answer.iter_bytes()
        next(rows)
        assert counted.in_flight() == 1
        assert counted.requests() == {}
        list(rows)
    assert soon(lambda: counted.in_flight() == 0)
    assert counted.timed() == {f"{V1}/versions": 1}


def test_they_stand_beside_those_of_the_worker(database: str) -> None:
    worker = Worker(WorkerSettings(database_url=database))
    with served(database, worker=worker) as api:
        api.get("/healthz")
        text = api.get("/metrics").text
    assert "bible_progress_http_requests_total{" in text
    assert "bible_progress_drains_total" in text
    # The same worker may be served again.
    with served(database, worker=worker) as api:
        assert api.get("/metrics").status_code == 200


def test_a_worker_alone_says_nothing_of_requests() -> None:
    names = {family.name for family in Metrics().registry.collect()}
    assert not any("http" in name for name in names)
