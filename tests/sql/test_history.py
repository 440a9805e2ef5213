"""One row a version and UTC day: the last state of each day on which the summary changed."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from drains import drain_version
from scene import Scene

TODAY = "(clock_timestamp() at time zone 'UTC')::date"


def history(scene: Scene) -> list[tuple[Any, ...]]:
    """Return (days ago, covered verses) of text A, oldest first."""
    return scene.connection.execute(
        f"select {TODAY} - day, covered_verses from progress.version_history"
        " where kind = 'text' and version_id = %s order by day",
        [scene.text_a],
    ).fetchall()


def a_day_passes(scene: Scene) -> None:
    # Far away and back: the key is checked row by row.
    scene.connection.execute("update progress.version_history set day = day - 10001")
    scene.connection.execute("update progress.version_history set day = day + 10000")


def edit(scene: Scene, statement: str) -> None:
    scene.connection.execute(statement, [scene.text_a])  # type: ignore[arg-type]
    drain_version(scene.connection, "text", scene.text_a)


ADD = "insert into verse_texts (text_version_id, verse_id, verse_text) values (%s, '{}', 'Words.')"
REMOVE = "delete from verse_texts where text_version_id = %s and verse_id = '{}'"


def test_changes_of_one_day_share_a_row_that_holds_the_last_state(scene: Scene) -> None:
    assert history(scene) == [(0, 3)]
    edit(scene, ADD.format("gen-1-2"))
    edit(scene, ADD.format("gen-1-3"))
    assert history(scene) == [(0, 5)]


def test_each_day_has_a_row_of_its_own(scene: Scene) -> None:
    a_day_passes(scene)
    edit(scene, ADD.format("gen-1-2"))
    a_day_passes(scene)
    a_day_passes(scene)
    edit(scene, REMOVE.format("gen-2-1"))
    assert history(scene) == [(3, 3), (2, 4), (0, 3)]


def test_a_day_on_which_the_summary_did_not_change_has_no_row(scene: Scene) -> None:
    a_day_passes(scene)
    edit(scene, ADD.format("v-gen-1-1"))
    scene.connection.execute(
        "update verse_texts set verse_id = 'gen-1-2'"
        " where verse_id = 'gen-1-1' and text_version_id = %s",
        [scene.text_a],
    )
    # The chapter's bitmap, and when the version's stored numbers last changed.
    assert drain_version(scene.connection, "text", scene.text_a).rows_changed == 2
    assert history(scene) == [(1, 3)]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_the_day_is_the_utc_day_whatever_the_session_says(scene: Scene, zone: str) -> None:
    scene.connection.execute("delete from progress.version_history")
    scene.connection.execute("select set_config('timezone', %s, true)", [zone])
    before = datetime.now(UTC).date()
    edit(scene, ADD.format("gen-1-2"))
    row = scene.connection.execute("select day from progress.version_history").fetchone()
    assert row is not None
    day: date = row[0]
    assert before <= day <= datetime.now(UTC).date()


def test_history_holds_every_number_of_the_summary(scene: Scene) -> None:
    edit(scene, ADD.format("gen-2-2"))
    columns = (
        "kind, version_id, covered_verses, total_verses, chapters_with_any, complete_chapters,"
        " total_chapters, books_complete, total_books"
    )
    differences = scene.connection.execute(
        f"select {columns} from progress.version_rollup"
        f" except select {columns} from progress.version_history where day = {TODAY}"
    ).fetchall()
    assert differences == []


def test_the_history_of_a_deleted_version_stays(scene: Scene) -> None:
    edit(scene, "update text_versions set deleted_at = now() where id = %s")
    assert history(scene) == [(0, 3)]
    edit(scene, "update text_versions set deleted_at = null where id = %s")
    assert history(scene) == [(0, 3)]
