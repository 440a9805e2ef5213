"""How the API answers: freshness, pages, errors, downloads, and what it refuses."""

import csv
import io
import subprocess
import sys
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import schemathesis.checks as load
import schemathesis.specs.openapi.checks as conformance
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acceptance.command_line import CommandLine
from acceptance.installation import Installation
from bible_progress.client import ApiError, Client
from bible_progress.errors import BibleProgressError, UsageError
from bible_progress.reading import documents as d
from bible_progress.web.app import create_app
from bible_progress.web.settings import WebSettings
from support.builders import World
from support.oracle import drain
from web.site import BEARER, SECRET, code, served

V1 = "/api/v1"
NOWHERE = "00000000-0000-0000-0000-000000000000"


def test_an_answer_is_the_same_until_something_changes(
    api: httpx.Client, site: Installation
) -> None:
    [version] = site.texts(1)
    path = f"{V1}/versions/text/{version}/tree"
    first = api.get(path)
    assert api.get(path).headers["etag"] == first.headers["etag"]
    again = api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    site.touch(version)
    changed = api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    body = changed.json()
    assert (body["pending"], changed.headers["x-pending"]) == (True, "true")
    said = datetime.fromisoformat(changed.headers["x-as-of"])
    assert said == datetime.fromisoformat(body["as_of"])


def test_stored_is_as_drained_and_too_old_is_refused(api: httpx.Client, site: Installation) -> None:
    [version] = site.texts(1)
    path = f"{V1}/versions/text/{version}"
    before = api.get(path).json()["covered_verses"]
    assert api.get(path, params={"max_staleness": 0}).status_code == 200
    site.touch(version)
    exact = api.get(path).json()
    stored = api.get(path, params={"consistency": "stored"}).json()
    assert stored["covered_verses"] == before != exact["covered_verses"]
    assert stored["pending"]
    assert stored["as_of"] < exact["as_of"]
    assert api.get(path, params={"max_staleness": 3600}).json()["covered_verses"] == before
    site.run("update progress_refresh_queue set enqueued_at = now() - interval '10 seconds'")
    refused = api.get(path, params={"max_staleness": 9})
    assert code(refused) == (503, "too_stale")
    assert refused.headers["retry-after"]
    assert code(api.get(f"{V1}/versions", params={"max_staleness": 9})) == (503, "too_stale")
    assert api.get(path, params={"max_staleness": 60}).status_code == 200
    drain(site.connection)
    assert api.get(path, params={"max_staleness": 0}).json()["pending"] is False


def test_where_nothing_is_stored_stored_is_refused_and_exact_is_exact(
    api: httpx.Client, site: Installation, database: str
) -> None:
    [version] = site.texts(1)
    before = api.get(f"{V1}/versions/text/{version}").json()["covered_verses"]
    while site.value("select progress.strategy()") != "views":
        CommandLine(database)("rollout", "back").assert_done()
    found = api.get(f"{V1}/versions/text/{version}")
    assert found.json()["covered_verses"] == before
    refused = api.get(f"{V1}/versions", params={"consistency": "stored"})
    assert code(refused) == (409, "nothing_stored")


@pytest.mark.parametrize(
    "sort",
    ["name", "-name", "percent", "-percent", "covered", "-covered", "updated", "-created"],
)
def test_pages_hold_every_version_once_in_order(
    api: httpx.Client, library: World, sort: str
) -> None:
    library.canon()
    for number in range(5):
        # Names that are equal but for case, and equal numbers.
        version = library.text_version(name="Same" if number % 2 else "same")
        library.audio_version(name=f"Rec {number}")
        library.text(version, [f"gen-1-{n}" for n in range(1, number // 2 + 1)])
    drain(library.connection)
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        query = {"sort": sort, "limit": 3} | ({"cursor": cursor} if cursor else {})
        page = api.get(f"{V1}/versions", params=query).json()
        assert page["total"] == 10
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["items"]) == 3
    assert len({item["id"] for item in seen}) == len(seen) == 10
    field = {"name": "name", "percent": "covered_verses", "covered": "covered_verses"}.get(
        sort.lstrip("-"), f"{'refreshed' if sort == 'updated' else 'created'}_at"
    )
    values = [item[field].lower() if field == "name" else item[field] or 0 for item in seen]
    for one, two in pairwise(values):
        assert one >= two if sort.startswith("-") else one <= two


def test_filters_leave_only_what_was_asked_for(api: httpx.Client, library: World) -> None:
    library.canon()
    english, latin = library.language("English"), library.language("Latin 100 %_")
    full = library.text_version(name="Full", language=english)
    library.text(full, [f"gen-{c}-{n}" for c, last in ((1, 3), (2, 2)) for n in range(1, last + 1)])
    library.text(
        full, [f"exod-{c}-{n}" for c, last in ((1, 4), (2, 2)) for n in range(1, last + 1)]
    )
    begun = library.text_version(name="Begun", language=latin)
    library.text(begun, ["gen-1-1"])
    library.audio_version(name="Nothing", language=latin)

    def names(**query: Any) -> list[str]:
        answer = api.get(f"{V1}/versions", params=query)
        assert answer.status_code == 200, answer.text
        return [item["name"] for item in answer.json()["items"]]

    assert names(status="complete") == ["Full"]
    assert names(status="in progress") == ["Begun"]
    assert names(status="not started") == ["Nothing"]
    assert names(kind="audio") == ["Nothing"]
    assert names(min_percent=9) == ["Begun", "Full"]
    assert names(min_percent=10) == ["Full"]
    assert names(language=str(latin)) == ["Begun", "Nothing"]
    assert names(q="LATIN") == ["Begun", "Nothing"]
    # What has a meaning in patterns is an ordinary character here.
    assert names(q="%_") == ["Begun", "Nothing"]
    assert names(q="_u") == []


def test_a_badge_says_100_only_when_nothing_is_missing(api: httpx.Client, library: World) -> None:
    library.canon(books={"ps": (400,)})
    version = library.text_version(name="<b>&\u202eevil</b>")
    library.text(version, [f"ps-1-{n}" for n in range(1, 400)])
    path = f"{V1}/versions/text/{version}/badge.svg"
    picture = api.get(path)
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert "99 %" in picture.text
    assert "100" not in picture.text
    assert "<b>" not in picture.text
    assert "\u202e" not in picture.text
    assert picture.headers["cross-origin-resource-policy"] == "cross-origin"
    library.text(version, ["ps-1-400"])
    assert "100 %" in api.get(path).text
    empty = library.text_version(canon=library.canon("nothing", books={}))
    assert "no verses" in api.get(f"{V1}/versions/text/{empty}/badge.svg?label=x").text


def test_downloads_are_tables_without_formulas(api: httpx.Client, library: World) -> None:
    library.canon()
    library.text_version(name="=HYPERLINK(1)")
    answer = api.get(f"{V1}/versions", params={"format": "csv"})
    assert "attachment" in answer.headers["content-disposition"]
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert row["name"] == "'=HYPERLINK(1)"
    assert row["total_verses"] == "11"
    assert "testaments" not in row


def test_comparing_names_what_each_has_alone(api: httpx.Client, library: World) -> None:
    library.canon()
    library.canon("vul", prefix="v-")
    text, audio = library.text_version(), library.audio_version()
    library.text(text, ["gen-1-1", "gen-1-2"])
    library.recording(audio, start="gen-1-2", end="gen-2-1")
    query = {"version": [f"text:{text}", f"audio:{audio}"]}
    here, there = d.Comparison.model_validate_json(
        api.get(f"{V1}/compare", params=query).content
    ).items
    assert [(c.chapter_id, c.only_here, c.lacking) for c in here.chapters] == [
        ("gen-1", "1", "3"),
        ("gen-2", "", "1"),
    ]
    assert (there.only_here_verses, there.lacking_verses) == (2, 1)
    other = library.text_version("vul")
    refused = api.get(f"{V1}/compare", params={"version": [f"text:{text}", f"text:{other}"]})
    assert code(refused) == (409, "not_comparable")
    absent = api.get(f"{V1}/compare", params={"version": [f"text:{text}", f"text:{NOWHERE}"]})
    assert code(absent) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (f"/versions/text/{NOWHERE}", (404, "not_found")),
        (f"/versions/text/{NOWHERE}/tree", (404, "not_found")),
        (f"/versions/text/{NOWHERE}/gaps", (404, "not_found")),
        (f"/versions/audio/{NOWHERE}/badge.svg", (404, "not_found")),
        (f"/versions/text/{NOWHERE}/books?format=csv", (404, "not_found")),
        (f"/languages/{NOWHERE}", (404, "not_found")),
        ("/versions/video/1", (422, "invalid_request")),
        ("/versions?limit=0", (422, "invalid_request")),
        ("/versions?limit=201", (422, "invalid_request")),
        ("/versions?cursor=e30", (422, "invalid_request")),
        ("/versions?cursor=WzEsMiwzLDRd", (422, "invalid_request")),
        ("/versions?sort=beauty", (422, "invalid_request")),
        ("/versions?q=%00", (422, "invalid_request")),
        ("/versions?max_staleness=nan", (422, "invalid_request")),
        ("/compare", (422, "invalid_request")),
        (f"/compare?version=text:{NOWHERE}", (422, "invalid_request")),
        ("/nothing", (404, "not_found")),
    ],
)
def test_errors_say_what_is_wrong(api: httpx.Client, path: str, wanted: tuple[int, str]) -> None:
    assert code(api.get(V1 + path)) == wanted


def test_a_database_without_bible_progress_is_told(empty_database: str) -> None:
    with served(empty_database) as api:
        assert code(api.get(f"{V1}/versions")) == (503, "not_installed")
        assert code(api.get("/readyz")) == (503, "not_installed")
        assert api.get("/healthz").text == "ok\n"


def test_browsers_of_other_sites_get_nothing(database: str) -> None:
    elsewhere = {"Origin": "https://elsewhere.example"}
    with served(database) as api:
        answer = api.get(f"{V1}/versions", headers=elsewhere)
        assert "access-control-allow-origin" not in answer.headers
        assert api.get(f"{V1}/versions", headers={"Host": "elsewhere.example"}).status_code == 400
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
    with served(database, cors_origins=("https://elsewhere.example",)) as api:
        answer = api.get(f"{V1}/versions", headers=elsewhere)
        assert answer.headers["access-control-allow-origin"] == "https://elsewhere.example"


def test_long_answers_are_compressed(api: httpx.Client, site: Installation) -> None:
    [version] = site.texts(1)
    path = f"{V1}/versions/text/{version}/tree"
    answer = api.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.headers.get("content-encoding") == "gzip"
    plain = api.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert {**plain.json(), "as_of": 0} == {**answer.json(), "as_of": 0}


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"host": "0.0.0.0"}, "without a secret"),
        ({"host": "192.168.1.5"}, "without a secret"),
        ({"host": "example.org"}, "without a secret"),
        ({"secret": "short"}, "shorter"),
    ],
)
def test_it_does_not_listen_where_it_should_not(settings_: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        create_app(WebSettings(database_url="postgresql://nowhere", **settings_))


def test_a_port_that_is_taken_is_told(database: str) -> None:
    with served(database) as api:
        port = api.base_url.port
        with pytest.raises(BibleProgressError, match="cannot listen"), served(database, port=port):
            pass


def test_the_client_reads_pages_and_raises_problems(api: httpx.Client, library: World) -> None:
    library.canon()
    versions = {library.text_version(name=f"t{n:03}") for n in range(3)}
    [one, *_] = sorted(versions)
    library.text(one, ["gen-1-1"])
    with Client(str(api.base_url)) as client:
        assert {v.id for v in client.versions(kind="text")} == versions
        assert client.version("text", one).covered_verses == 1
        assert [c.id for c in client.tree("text", one, book="exod").books[0].chapters] == [  # type: ignore[index, union-attr]
            "exod-1",
            "exod-2",
        ]
        gap = client.next_gap("text", one)
        assert gap is not None
        assert (gap.chapter_id, gap.missing) == ("gen-1", "2-3")
        assert sum(g.missing_verses for g in client.gaps("text", one)) == 10
        assert client.chapter("text", one, "gen-1").missing == "2-3"
        assert client.history("text", one).items == []
        assert len(list(client.languages(with_versions=True))) == 3
        both = client.compare([("text", v) for v in sorted(versions)])
        assert both.items[0].only_here_verses == 1
        with pytest.raises(ApiError) as refused:
            client.version("audio", one)
        assert refused.value.problem.code == "not_found"
        with pytest.raises(ApiError) as no_secret:
            client.refresh()
        assert no_secret.value.problem.code == "no_secret_set"


def test_every_operation_is_described_whole(api: httpx.Client) -> None:
    document = api.get(f"{V1}/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert "Problem" in schemas
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation.get("summary"), where
            assert operation.get("description"), where
            assert any(int(status) < 300 for status in operation["responses"]), where
            if path not in ("/healthz",):
                assert any(
                    "application/problem+json" in answer.get("content", {})
                    for answer in operation["responses"].values()
                ), where
    assert document["paths"][f"{V1}/versions"]["get"]["responses"]["200"]["content"][
        "application/json"
    ].get("example")


@pytest.mark.timeout(280)
def test_whatever_is_asked_the_answer_is_as_described(database: str, library: World) -> None:
    library.canon()
    version, language = library.text_version(), library.language()
    library.text(version, ["gen-1-1"])
    # Or else stored numbers are rightly refused.
    drain(library.connection)
    checks = [
        load.not_a_server_error,
        conformance.status_code_conformance,
        conformance.content_type_conformance,
        conformance.response_schema_conformance,
    ]
    known = {
        "kind": "text",
        "version_id": str(version),
        "language_id": str(language),
        "chapter_id": "gen-1",
    }
    seen: set[int] = set()
    with served(database, secret=SECRET) as api:
        base = str(api.base_url)
        schema = schemathesis.openapi.from_url(f"{base}{V1}/openapi.json")
        for found in schema.exclude(path=f"{V1}/events").get_all_operations():

            @given(case=found.ok().as_strategy(), is_known=st.booleans())
            @settings(
                max_examples=12,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            def ask(case: Any, is_known: bool) -> None:
                if is_known and case.path_parameters:
                    case.path_parameters |= {
                        name: known[name] for name in case.path_parameters if name in known
                    }
                if "seconds" in (case.query or {}):
                    case.query["seconds"] = 0.05
                answer = case.call(base_url=base, headers=BEARER)
                seen.add(answer.status_code)
                case.validate_response(answer, checks=checks)

            ask()
    # Whatever the description lets pass, the server does.
    assert {200, 404} <= seen
    assert 422 not in seen


def test_what_an_answer_names_leads_on(database: str, site: Installation) -> None:
    """Every link of the description, followed from an answer that has something to follow."""
    versions = site.texts(3)
    letters = [site.bury(version) for version in versions[:2]]
    site.touch(versions[2])
    with served(database, secret=SECRET) as api:
        paths = api.get(f"{V1}/openapi.json").json()["paths"]
        operations = {
            operation["operationId"]: (method, path)
            for path, operations in paths.items()
            for method, operation in operations.items()
        }
        named = {"kind": "text", "version_id": str(versions[2]), "limit": "1"}
        named["language_id"] = api.get(f"{V1}/languages").json()["items"][0]["id"]
        followed = 0
        for path, described in paths.items():
            answer = described.get("get", {}).get("responses", {}).get("200", {})
            for link in answer.get("links", {}).values():
                # Each time anew: what was followed before may have changed it.
                found = api.get(path.format(**named), params={"limit": 1}, headers=BEARER).json()
                method, wanted = operations[link["operationId"]]
                values: dict[str, str] = {}
                for parameter, pointer in link["parameters"].items():
                    value: Any = found
                    for part in pointer.removeprefix("$response.body#/").split("/"):
                        value = value[int(part) if part.isdigit() else part]
                    values[parameter] = value
                query = {k: v for k, v in values.items() if f"{{{k}}}" not in wanted}
                next_ = api.request(method, wanted.format(**values), params=query, headers=BEARER)
                # A dead letter whose version is not right is not dropped.
                assert next_.status_code in (200, 204) or (method, next_.status_code) == (
                    "delete",
                    409,
                ), (path, link, next_.text)
                followed += 1
    assert followed >= 20
    assert len(letters) == 2


@pytest.mark.timeout(600)
def test_schemathesis_finds_nothing(database: str, library: World, tmp_path: Path) -> None:
    """All of its checks and phases, links included; for a few minutes where the time is there."""
    library.canon()
    for _ in range(3):
        library.text(library.text_version(language=library.language()), ["gen-1-1"])
    # Or else stored numbers are rightly refused.
    drain(library.connection)
    with served(database, secret=SECRET) as api:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                *("run", f"{api.base_url}{V1}/openapi.json"),
                *("--header", f"Authorization: Bearer {SECRET}"),
                # Its answer has no end.
                *("--exclude-path", f"{V1}/events"),
                *("--checks", "all", "--continue-on-failure"),
                *("--max-examples", "5", "--seed", "1", "--request-timeout", "120"),
                *("--suppress-health-check", "all", "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:]
    assert "Stateful" in done.stdout
