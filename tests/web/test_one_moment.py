"""A page is of one moment, however often it asks the database."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from acceptance.installation import Installation
from bible_progress.reading import insights
from bible_progress.web import renders
from bible_progress.web.reads import Answer, Snapshot

# What tells the time of asking.
TIMES = re.compile(r"As of [^<]*|[\d.]+ (ms|s)\b|[\w. ]+ ago|\d\d:\d\d:\d\d UTC")


def shown(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return TIMES.sub("", answer.text)


@pytest.fixture
def versions(site: Installation) -> list[UUID]:
    """Three texts of one language, one of which waits to be drained."""
    made = site.texts(3)
    site.run(
        "update text_versions set language_entity_id = (select min(id::text)::uuid from language_entities)"
    )
    site.drain()
    site.touch(made[0])
    return made


@pytest.mark.parametrize("page", ["overview", "version", "comparison", "language"])
def test_a_page_does_not_mix_what_was_with_what_is(
    api: httpx.Client,
    site: Installation,
    versions: list[UUID],
    monkeypatch: pytest.MonkeyPatch,
    page: str,
) -> None:
    one, two, three = versions
    language = site.value("select language_entity_id from text_versions where id = %s", one)
    path = {
        "overview": "/",
        "version": f"/versions/text/{one}?chapter=gen-1",
        "comparison": f"/compare?version=text:{one}&version=text:{two}",
        "language": f"/languages/{language}",
    }[page]
    # A page of the same moment would not be read again.
    monkeypatch.setattr(renders, "KEPT_SECONDS", 0)
    before = shown(api.get(path))
    asked: list[str] = []
    find = Snapshot.find

    def find_and_change(self: Snapshot, name: str, **parameters: Any) -> Answer | None:
        found = find(self, name, **parameters)
        if not asked:
            site.world.text(one, ["exod-1-1", "exod-1-2"])
            site.world.text(two, ["exod-1-1", "gen-1-3"])
            site.run("update text_versions set deleted_at = now() where id = %s", three)
            site.world.audio_version(language=language)
            site.drain()
        asked.append(name)
        return found

    monkeypatch.setattr(Snapshot, "find", find_and_change)
    assert shown(api.get(path)) == before
    assert len(asked) > 1
    assert shown(api.get(path)) != before


@pytest.mark.parametrize(
    "path", ["/operations", "/api/v1/operations/queue", "/api/v1/operations/dead-letters"]
)
def test_operations_do_not_mix_what_was_with_what_is(
    api: httpx.Client,
    site: Installation,
    versions: list[UUID],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    site.bury(versions[1])

    def told() -> Any:
        answer = api.get(path)
        if path.startswith("/api"):
            return {**answer.json(), "as_of": 0, "oldest_seconds": 0}
        return shown(answer)

    before = told()
    first = "dead_letters" if path.endswith("letters") else "status"
    ask = getattr(insights, first)

    def ask_and_change(*arguments: Any) -> Any:
        found = ask(*arguments)
        site.drain()
        site.fail_drains_of(versions[2])
        site.touch(versions[2])
        site.run("select progress.drain_version('text', %s)", versions[2])
        return found

    monkeypatch.setattr(insights, first, ask_and_change)
    assert told() == before
    monkeypatch.undo()
    assert told() != before


def test_every_document_says_a_moment_before_which_everything_is_counted(
    api: httpx.Client, site: Installation
) -> None:
    [version] = site.texts(1)
    with site.connection.transaction():
        at = site.value("select clock_timestamp()")
        site.touch(version)
    answer = api.get(f"/api/v1/versions/text/{version}").json()
    assert answer["covered_verses"] == 3
    assert answer["as_of"] > at.isoformat()
    run = site.connection.execute
    run("begin isolation level repeatable read")
    begun = site.value("select now()")
    told = site.value("select as_of from progress.freshness()")
    later = site.value("select as_of from progress.freshness()")
    run("rollback")
    assert told == later == begun
