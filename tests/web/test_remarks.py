"""What is out of the ordinary is said by status and the operations page, and counted in metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from prometheus_client import generate_latest

from acceptance.command_line import CommandLine
from acceptance.installation import Installation
from bible_progress import insights, rollout
from bible_progress.metrics import Metrics
from bible_progress.remarks import MANY_DEAD_ROWS, remarks


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
