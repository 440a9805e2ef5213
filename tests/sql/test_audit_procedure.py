"""progress.audit, for schedulers: what is wrong is queued, and the call fails so that it shows."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from drains import Connect, due
from psycopg import Connection

from support import oracle
from support.builders import World


@pytest.fixture
def session(connect: Connect) -> Connection[Any]:
    return connect()


@pytest.fixture
def versions(session: Connection[Any]) -> list[UUID]:
    """Three texts that are drained."""
    world = World(session)
    world.canon()
    made = [world.text_version() for _ in range(3)]
    for version in made:
        world.text(version, ["gen-1-1"])
    oracle.drain(session)
    return made


def spoil(session: Connection[Any], version: UUID) -> None:
    session.execute(
        "update progress.version_rollup set covered_verses = 2 where version_id = %s", [version]
    )


def test_what_is_right_is_left_alone(session: Connection[Any], versions: list[UUID]) -> None:
    session.execute("call progress.audit(100)")
    assert due(session) == []


def test_what_is_wrong_is_queued_and_told(session: Connection[Any], versions: list[UUID]) -> None:
    spoil(session, versions[1])
    with pytest.raises(psycopg.Error, match="of 1 version were wrong") as found:
        session.execute("call progress.audit(100)")
    assert found.value.sqlstate == "BP013"
    assert due(session) == [("text", versions[1])]
    oracle.drain(session)
    oracle.assert_same(session)
    session.execute("call progress.audit(100)")


def test_what_waits_is_not_wrong(session: Connection[Any], versions: list[UUID]) -> None:
    World(session).text(versions[1], ["gen-1-2"])
    notices: list[str | None] = []
    session.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    session.execute("call progress.audit(100)")
    assert due(session) == [("text", versions[1])]
    [notice] = notices
    assert "2 versions compared, 1 left out" in (notice or "")


def test_a_stored_version_that_is_gone_is_found(
    session: Connection[Any], versions: list[UUID]
) -> None:
    for table in ("text_versions", "verse_texts"):
        session.execute(f"alter table {table} disable trigger user")  # type: ignore[arg-type]
    session.execute("delete from text_versions where id = %s", [versions[0]])
    with pytest.raises(psycopg.Error, match="of 1 version "):
        session.execute("call progress.audit(100)")


def test_every_version_is_come_by(session: Connection[Any], versions: list[UUID]) -> None:
    """One at a time at random; two hundred times without one of three is as good as never."""
    for version in versions:
        spoil(session, version)
    for _ in range(200):
        try:
            session.execute("call progress.audit(1)")
        except psycopg.Error:
            if len(due(session)) == 3:
                return
    pytest.fail(f"only {due(session)} were looked at")
