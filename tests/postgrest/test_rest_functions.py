"""Functions that clients call through PostgREST answer what the HTTP API does, in one request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from postgrest.rest import token
from postgrest.site import Site
from web.site import served

V1 = "/api/v1"


@pytest.fixture(scope="module")
def api(site: Site) -> Iterator[httpx.Client]:
    """The HTTP API over the same database, run by its owner."""
    with served(site.url) as client:
        yield client


def called(
    site: Site, function: str, arguments: dict[str, Any], headers: dict[str, str]
) -> list[Any]:
    """Return what a function answers to POST and to GET."""
    url = f"rpc/{function}"
    as_text = {
        name: "{" + ",".join(map(str, value)) + "}" if isinstance(value, list) else str(value)
        for name, value in arguments.items()
    }
    answers = [
        site.rest.post(url, json=arguments, headers=headers),
        site.rest.get(url, params=as_text, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    return [answer.json() for answer in answers]


def of(site: Site, name: str) -> dict[str, str]:
    kind = "audio" if "ecord" in name else "text"
    return {"kind": kind, "version_id": str(site.versions[name])}


def calls(site: Site) -> list[tuple[str, dict[str, Any], str, list[tuple[str, str]]]]:
    """Return (function, arguments, path of the API, query of the API)."""
    found: list[tuple[str, dict[str, Any], str, list[tuple[str, str]]]] = []
    for name in ("Fuller", "Begun", "Hidden text", "Empty", "Recorded", "Hidden recording"):
        version = of(site, name)
        path = "/versions/{kind}/{version_id}".format(**version)
        found.append(("progress_tree", version, f"{path}/tree", []))
        for depth in ("version", "book", "chapter"):
            more = {"depth": depth, "book_id": "gen"}
            query = [("depth", depth), ("book", "gen")]
            found.append(("progress_tree", version | more, f"{path}/tree", query))
        found.append(("progress_gaps", version, f"{path}/gaps", []))
        more = {"max_chapters": 1, "after_chapter_id": "gen-1"}
        query = [("limit", "1"), ("cursor", "gen-1")]
        found.append(("progress_gaps", version | more, f"{path}/gaps", query))
    several = [of(site, name) for name in ("Begun", "Fuller", "Recorded")]
    arguments = {
        "kinds": [one["kind"] for one in several],
        "version_ids": [one["version_id"] for one in several],
    }
    query = [("version", "{kind}:{version_id}".format(**one)) for one in several]
    found.append(("progress_compare", arguments, "/compare", query))
    for language in site.languages.values():
        for descendants in (False, True):
            language_of = {"language_entity_id": str(language), "descendants": descendants}
            query = [("descendants", str(descendants).lower())]
            path = f"/languages/{language}"
            found.append(("progress_best_versions", language_of, path, query))
    return found


def test_who_sees_everything_gets_what_the_api_answers(site: Site, api: httpx.Client) -> None:
    functions: set[str] = set()
    for function, arguments, path, query in calls(site):
        answer = api.get(V1 + path, params=query)
        assert answer.status_code == 200, answer.text
        expected = answer.json() | {"as_of": None}
        for headers in (token("service_role"), site.as_owner()):
            for document in called(site, function, arguments, headers):
                assert document | {"as_of": None} == expected, (function, arguments)
        functions.add(function)
    assert len(functions) == 4


def test_others_get_the_same_of_what_they_see(site: Site) -> None:
    """The numbers of a version do not depend on who asks; which one is best does."""
    for function, arguments, _, _ in calls(site):
        hidden = str(site.versions["Hidden text"]), str(site.versions["Hidden recording"])
        seen = called(site, function, arguments, {})
        if arguments.get("version_id") in hidden:
            assert seen == [None, None]
        elif function in ("progress_gaps", "progress_compare"):
            whole = called(site, function, arguments, site.as_owner())
            for one, other in zip(seen, whole, strict=True):
                assert one | {"as_of": None} == other | {"as_of": None}
        elif function == "progress_tree":
            whole = called(site, function, arguments, site.as_owner())
            unlike = {"as_of": None, "is_best": None}
            for one, other in zip(seen, whole, strict=True):
                assert one | unlike == other | unlike
        assert not any(version in str(seen) for version in hidden)


def test_the_best_of_those_that_are_seen_is_best(site: Site) -> None:
    english = {"language_entity_id": str(site.languages["English"])}
    for headers, best in (({}, "Fuller"), (site.as_owner(), "Hidden text")):
        for document in called(site, "progress_best_versions", english, headers):
            assert document["language"]["best_text"]["id"] == str(site.versions[best])
        for name in ("Fuller", "Hidden text") if headers else ("Fuller",):
            for document in called(site, "progress_tree", of(site, name), headers):
                assert document["is_best"] is (name == best)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("progress_tree", {"kind": "text", "version_id": str(uuid4())}),
        ("progress_gaps", {"kind": "audio", "version_id": str(uuid4())}),
        ("progress_compare", {"kinds": ["text"] * 2, "version_ids": [str(uuid4())] * 2}),
        ("progress_best_versions", {"language_entity_id": str(uuid4())}),
    ],
)
def test_what_is_not_there_is_null(site: Site, function: str, arguments: dict[str, Any]) -> None:
    assert called(site, function, arguments, {}) == [None, None]


def test_a_bad_argument_is_refused_with_a_reason(site: Site) -> None:
    answer = site.rest.post("rpc/progress_tree", json=of(site, "Fuller") | {"depth": "verse"})
    assert (answer.status_code, answer.json()["code"]) == (400, "BP002")
    assert "verse" in answer.json()["message"]


def test_a_write_that_nobody_has_drained_counts_at_once(own_site: Site) -> None:
    version = of(own_site, "Begun")
    row = {"text_version_id": version["version_id"], "verse_id": "gen-2-1", "verse_text": "Words."}
    before = called(own_site, "progress_tree", version, {})[0]
    assert (before["covered_verses"], before["pending"]) == (4, False)
    answer = own_site.rest.post("verse_texts", json=row, headers=token("authenticated"))
    assert answer.status_code == 201, answer.text
    for document in called(own_site, "progress_tree", version, {}):
        assert (document["covered_verses"], document["pending"]) == (5, True)
    for document in called(own_site, "progress_gaps", version, {}):
        assert document["missing_verses"] == 6


def test_the_service_role_drains_in_calls_that_each_make_progress(own_site: Site) -> None:
    """A role with a timeout of three seconds, and work that takes longer."""
    run = own_site.connection.execute
    run(
        "create function slowly() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(0.4); return new; end $$"
    )
    run(
        "create trigger slowly before insert or update on progress.version_rollup"
        " for each row execute function slowly()"
    )
    language = own_site.languages["Swahili"]
    waiting = run(
        "insert into text_versions (language_entity_id, bible_version_id, name)"
        " select %s, 'eng', 'Waiting' from generate_series(1, 16)",
        [language],
    ).rowcount
    drained: list[int] = []
    while sum(drained) < waiting:
        answer = own_site.rest.post("rpc/progress_refresh", headers=token("service_role"))
        assert answer.status_code == 200, answer.text
        drained.append(answer.json()["drained"])
        assert drained[-1] > 0
    assert len(drained) > 1
    assert (answer.json()["failed"], answer.json()["remaining"]) == (0, 0)
    stored = own_site.get("mv_text_version_progress_summary", select="text_version_id")
    live = own_site.get("text_version_progress_summary", select="text_version_id")
    assert sorted(map(str, stored)) == sorted(map(str, live))


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_nobody_else_drains(site: Site, role: str) -> None:
    headers = {} if role == "anon" else token(role)
    answer = site.rest.post("rpc/progress_refresh", json={}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (
        401 if role == "anon" else 403,
        "42501",
    )
