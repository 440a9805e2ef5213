"""What is out of the ordinary is said by status and the operations page, and counted in metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from prometheus_client import generate_latest

from acceptance.command_line import CommandLine
from acceptance.installation import Installation
from bible_progress.engine.metrics import Metrics
from bible_progress.reading import insights
from bible_progress.reading.remarks import MANY_DEAD_ROWS, remarks
from bible_progress.rollout import moves as rollout


def not_signalled(site: Installation) -> None:
    site.texts(1)
    site.run("set session_replication_role = replica")
    site.run(
        "insert into text_versions (language_entity_id, bible_version_id, name)"
        " select language_entity_id, bible_version_id, 'Loaded'"
        " from text_versions, generate_series(1, 2)"
    )
    site.run("reset session_replication_role")


def not_filled(site: Installation) -> None:
    site.texts(1)
    rollout.move(site.connection, 4)
    site.drain()
    for level in ("book", "chapter"):
        site.run(f"refresh materialized view mv_audio_{level}_coverage with no data")


def from_elsewhere(site: Installation) -> None:
    site.texts(1)
    site.run(
        "insert into progress_refresh_queue (kind, version_id, xid)"
        " select 'text', id, xid::text::xid8 from text_versions,"
        " generate_series(99999999998, 99999999999) as xid"
    )


def not_settled(site: Installation) -> None:
    site.texts(1)
    site.run("delete from verses where id = (select min(id) from verses)")
    site.run("update books set book_number = book_number + 10")


@pytest.mark.parametrize(
    ("cause", "what", "field"),
    [
        (not_signalled, "past triggers", "unsignalled_versions"),
        (not_filled, "not filled", "unfilled_views"),
        (from_elsewhere, "copied", "foreign_numbers"),
        (not_settled, "unsettled", "unsettled_changes"),
    ],
)
def test_each_is_told_everywhere_with_the_same_number_and_not_without_a_cause(
    api: httpx.Client,
    cli: CommandLine,
    site: Installation,
    cause: Callable[[Installation], None],
    what: str,
    field: str,
) -> None:
    def told() -> dict[str, str]:
        state, held = insights.status(site.connection), insights.hindrances(site.connection)
        return dict(remarks(state, held))

    assert what not in told()
    assert what.capitalize() not in api.get("/operations").text
    cause(site)
    state = insights.status(site.connection)
    number = getattr(state, field)
    assert number == 2
    sentence = told()[what]
    assert sentence.startswith(f"{number} ")
    assert f"<b>{what.capitalize()}</b>: {sentence}." in api.get("/operations").text
    assert f"{what} {sentence}" in " ".join(cli("status").assert_done().out.split())
    metrics = Metrics()
    metrics.observe(state, insights.hindrances(site.connection))
    assert f"bible_progress_{field} 2.0" in generate_latest(metrics.registry).decode().splitlines()


def test_dead_rows_are_remarked_once_they_are_many_and_shown_always(
    api: httpx.Client, site: Installation
) -> None:
    state = replace(
        insights.status(site.connection),
        oldest_snapshot_transactions=1,
        oldest_snapshot_seconds=7200.0,
    )
    few = replace(state, queue_dead_rows=MANY_DEAD_ROWS - 1)
    assert dict(remarks(few, [])) == {}
    [(what, sentence)] = remarks(replace(state, queue_dead_rows=MANY_DEAD_ROWS), [])
    assert what == "dead rows"
    assert "1 transaction old, 2 h" in sentence
    page = api.get("/operations").text
    assert "dead rows in the queue" in page
    assert "oldest snapshot" in page


def test_operations_are_one_sentence_when_all_is_well(
    api: httpx.Client, database: str, site: Installation, cli: CommandLine
) -> None:
    [version] = site.texts(1)

    def told() -> tuple[bool, str]:
        page = api.get("/operations").text
        before, _, after = page.partition('<details id="details">')
        assert ("All is well" in page) == bool(after)
        return bool(after), before

    assert not told()[0]
    worker_id = "00000000-0000-0000-0000-000000000001"
    site.run("insert into progress.worker (worker_id, description) values (%s, 'x')", worker_id)
    is_well, before = told()
    assert is_well
    assert "<table" not in before
    assert 'class="tiles"' not in before
    site.touch(version, "gen-1-3")
    assert told()[0]
    assert "1 version with changes on the way" in told()[1]
    site.run("update progress_refresh_queue set enqueued_at = now() - interval '5 minutes'")
    assert not told()[0]
    assert "Text 0" in told()[1]
    site.drain()
    assert told()[0]
    site.bury(version, "broken so")
    is_well, before = told()
    assert not is_well
    assert "broken so" in before
    assert "Text 0" in before


def test_what_waits_fails_or_died_is_named_and_leads_to_its_version(
    api: httpx.Client, site: Installation
) -> None:
    versions = site.texts(3)
    buried, failing, gone = versions
    site.run("update text_versions set name = '<b>Ex</b>' where id = %s", failing)
    site.bury(buried)
    site.fail_drains_of(failing, "fails")
    site.touch(failing)
    site.run("select progress.drain_version('text', %s)", failing)
    site.run("delete from text_versions where id = %s", gone)
    page = api.get("/operations").text
    for version, name in ((buried, "Text 0"), (failing, "&lt;b&gt;Ex&lt;/b&gt;")):
        assert f'<a href="/versions/text/{version}"><bdi>{name}</bdi></a>' in page
        assert f">{version}<" not in page
    assert f'href="/versions/text/{gone}"' not in page
    assert "a text that was deleted" in page
    v1 = "/api/v1/operations"
    waiting = {item["version_id"]: item for item in api.get(f"{v1}/queue").json()["items"]}
    assert waiting[str(failing)]["name"] == "<b>Ex</b>"
    assert (waiting[str(gone)]["name"], waiting[str(gone)]["is_deleted"]) == (None, True)
    letters = api.get(f"{v1}/dead-letters").json()
    assert [(item["name"], item["is_deleted"]) for item in letters["items"]] == [("Text 0", False)]
    assert [item["name"] for item in letters["failing"]] == ["<b>Ex</b>"]
