"""Versions that come and go past the triggers: dirty at once, queued by whatever drains."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from drains import Connect
from psycopg import Connection

from bible_progress.installing import checks
from bible_progress.rollout import moves as rollout
from support import oracle
from support.builders import World

KINDS = ("text", "audio")


@pytest.fixture
def session(connect: Connect) -> Connection[Any]:
    """A canon and a drained version of each kind."""
    session = connect()
    world = World(session)
    world.canon()
    make("text", world)
    make("audio", world)
    oracle.drain(session)
    return session


def make(kind: str, world: World) -> UUID:
    language = world.language()
    if kind == "text":
        version = world.text_version(language=language)
        world.text(version, ["gen-1-1", "exod-2-1"])
    else:
        version = world.audio_version(language=language)
        world.recording(version, chapter="gen-1")
    return version


@contextmanager
def replica(session: Connection[Any]) -> Iterator[None]:
    """As data dumps of several tools load: no trigger fires."""
    session.execute("set session_replication_role = replica")
    yield
    session.execute("reset session_replication_role")


@contextmanager
def disabled(session: Connection[Any]) -> Iterator[None]:
    """As pg_restore --disable-triggers loads."""
    tables = [
        row[0]
        for row in session.execute(
            "select distinct tgrelid::regclass::text from pg_trigger where tgname ~ '^progress_'"
        ).fetchall()
    ]
    for what in ("disable", "enable"):
        for table in tables:
            session.execute(f"alter table {table} {what} trigger all")  # type: ignore[arg-type]
        if what == "disable":
            yield


WAYS: dict[str, Callable[[Connection[Any]], Any]] = {"replica": replica, "disabled": disabled}


def queued(session: Connection[Any]) -> set[UUID]:
    return {row[0] for row in session.execute("select version_id from progress_refresh_queue")}


def one(session: Connection[Any], query: str, *parameters: object) -> Any:
    row = session.execute(query, parameters).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


@pytest.mark.parametrize("step", [4, 5])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_version_is_exact_at_once_and_stored_after_a_drain(
    session: Connection[Any], kind: str, way: str, step: int
) -> None:
    if step != 5:
        rollout.move(session, step)
        oracle.drain(session)
    with WAYS[way](session):
        version = make(kind, World(session))
    assert queued(session) == set()
    oracle.assert_promises(session)
    assert one(session, "select progress.is_dirty(%s, %s)", kind, version)
    assert one(session, "select progress.why_dirty(%s, %s)", kind, version) == "unstored"
    document = one(session, "select progress.tree(%s, %s)", kind, version)
    assert (document["pending"], document["covered_verses"] > 0) == (True, True)
    language = document["language_entity_id"]
    assert one(session, "select progress.exact_best_version(%s, %s)", kind, language) == version
    listed = one(session, "select progress.version_list(p_kind => %s)", kind)
    [item] = [item for item in listed["items"] if item["id"] == str(version)]
    assert (listed["pending"], item["pending"], item["is_best"]) == (True, True, True)
    by_numbers = one(
        session, "select progress.version_list(p_kind => %s, p_sort => 'covered')", kind
    )
    assert {item["id"] for item in by_numbers["items"]} == {i["id"] for i in listed["items"]}
    [entry] = [
        entry
        for entry in one(session, "select progress.language_list()")["items"]
        if entry["id"] == language
    ]
    assert entry[f"best_{kind}"]["id"] == str(version)
    assert one(session, "select pending from progress.language_freshness(%s)", language)
    session.execute("call progress.drain()")
    oracle.assert_same(session)
    assert not one(session, "select pending from progress.freshness()")


@pytest.mark.parametrize("step", [4, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_a_version_deleted_past_the_triggers_loses_its_numbers(
    session: Connection[Any], kind: str, step: int
) -> None:
    if step != 5:
        rollout.move(session, step)
        oracle.drain(session)
    gone, softly = make(kind, World(session)), make(kind, World(session))
    oracle.drain(session)
    with replica(session):
        session.execute(f"delete from {kind}_versions where id = %s", [gone])  # type: ignore[arg-type]
        session.execute(
            f"update {kind}_versions set deleted_at = now() where id = %s",  # type: ignore[arg-type]
            [softly],
        )
    status = "select unsignalled_versions, dirty_versions from progress.current_status()"
    assert session.execute(status).fetchone() == (2, 0)
    session.execute("call progress.drain()")
    assert session.execute(status).fetchone() == (0, 0)
    oracle.assert_same(session)


def test_a_version_that_waits_is_not_queued_again(session: Connection[Any]) -> None:
    make("text", World(session))
    before = session.execute("select * from progress_refresh_queue").fetchall()
    assert one(session, "select progress.signal_unsignalled()") == 0
    assert session.execute("select * from progress_refresh_queue").fetchall() == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_later_change_of_one_chapter_does_not_store_that_chapter_alone(
    session: Connection[Any], kind: str
) -> None:
    """It is signalled, but the signal says nothing of what was loaded before."""
    world = World(session)
    with replica(session):
        version = make(kind, world)
    if kind == "text":
        world.text(version, ["exod-1-1"])
    else:
        world.recording(version, chapter="exod-1")
    assert queued(session) == {version}
    oracle.assert_promises(session)
    oracle.drain(session)
    oracle.assert_same(session)


def test_so_many_are_queued_as_asked(session: Connection[Any]) -> None:
    with replica(session):
        versions = {make(kind, World(session)) for kind in KINDS * 3}
    assert one(session, "select progress.signal_unsignalled(4)") == 4
    assert one(session, "select progress.signal_unsignalled(null)") == 2
    assert queued(session) == versions
    oracle.drain(session)
    oracle.assert_same(session)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_where_no_trigger_signals_nothing_is_queued(session: Connection[Any], step: int) -> None:
    rollout.move(session, step)
    with replica(session):
        make("text", World(session))
    assert oracle.inexact(session) == []
    assert one(session, "select progress.signal_unsignalled(null)") == 0
    assert one(session, "select unsignalled_versions from progress.current_status()") == 0


def test_the_audit_queues_all_of_them_and_says_so(session: Connection[Any]) -> None:
    with replica(session):
        versions = {make("text", World(session)) for _ in range(5)}
    with pytest.raises(psycopg.Error, match="of 5 versions were wrong or missing"):
        session.execute("call progress.audit(1)")
    assert queued(session) == versions


def test_a_scheduler_that_can_only_call_a_function_refreshes_them(
    session: Connection[Any],
) -> None:
    with replica(session):
        make("text", World(session))
    assert one(session, "select progress_refresh()")["drained"] == 1
    oracle.assert_same(session)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_loaded_at_random_is_exact_and_then_stored(
    session: Connection[Any], seed: int
) -> None:
    """Content and versions, with and without triggers; what had numbers is changed with them."""
    chance = random.Random(seed)
    world = World(session)
    for _ in range(4):
        with chance.choice([replica, disabled])(session):
            for _ in range(chance.randint(1, 3)):
                make(chance.choice(KINDS), world)
            if chance.random() < 0.5:
                session.execute(
                    "update text_versions set deleted_at = now() where id in"
                    " (select version_id from progress.unstored_versions limit 1)"
                )
        make(chance.choice(KINDS), world)
        session.execute("delete from verse_texts where verse_id = 'gen-1-1'")
        oracle.assert_promises(session)
        if chance.random() < 0.5:
            session.execute("call progress.drain()")
            oracle.assert_same(session)
    session.execute("call progress.drain()")
    oracle.assert_same(session)


VIEWS = {
    "all": "mv_%",
    "those computed from others": "mv_%_%book%",
    "one kind": "mv_text_%",
}


@pytest.mark.parametrize("step", [2, 3, 4])
@pytest.mark.parametrize("which", VIEWS)
@pytest.mark.parametrize("kinds", [KINDS, ("text",), ()])
def test_a_materialized_view_that_is_not_filled_is_due(
    connect: Connect, step: int, which: str, kinds: tuple[str, ...]
) -> None:
    """Also where there is no version of its kind, whose readers get an error all the same."""
    session = connect()
    world = World(session)
    world.canon()
    for kind in kinds:
        make(kind, world)
    oracle.drain(session)
    rollout.move(session, step)
    oracle.drain(session)
    names = [
        row[0]
        for row in session.execute(
            "select matviewname from pg_matviews where matviewname like %s", [VIEWS[which]]
        ).fetchall()
    ]
    for name in names:
        session.execute(f"refresh materialized view {name} with no data")  # type: ignore[arg-type]
    status = "select unfilled_views from progress.current_status()"
    assert one(session, status) == len(names)
    assert len(checks.rows(session, "unfilled_views", {})) == len(names)
    assert oracle.inexact(session) == []
    for _ in range(2):
        session.execute("call progress.drain()")
    assert one(session, status) == 0
    assert session.execute("select from progress_refresh_queue").fetchall() == []
    oracle.assert_same(session)
