"""DESIGN section 4 for totals: counted from the canon itself, zeros included, never over 100 %."""

from typing import Any
from uuid import UUID

import pytest
from scene import Scene

from oracle.checks import assert_right
from support.builders import World

KINDS = ("audio", "text")
BOTH = ("", "mv_")


def row(world: World, relation: str, version: UUID, where: str = "true") -> tuple[Any, ...] | None:
    """Return the only row of a version in a relation, without the version's id."""
    key = "audio_version_id" if "audio" in relation else "text_version_id"
    rows = world.connection.execute(
        f"select * from {relation} where {key} = %s and {where}", [version]
    ).fetchall()
    assert len(rows) <= 1
    return rows[0][1:] if rows else None


def version_of(world: World, kind: str, canon: str = "eng") -> UUID:
    return world.text_version(canon) if kind == "text" else world.audio_version(canon)


def cover(world: World, kind: str, version: UUID, verses: list[str]) -> None:
    if kind == "text":
        world.text(version, verses)
    else:
        world.timings(world.recording(version), verses)


@pytest.mark.parametrize("kind", KINDS)
def test_total_verses_that_lie_are_ignored(world: World, kind: str) -> None:
    world.canon("eng")
    version = version_of(world, kind)
    cover(world, kind, version, ["gen-2-1", "gen-2-2"])
    world.connection.execute("update chapters set total_verses = 999")
    assert_right(world.connection)
    for prefix in BOTH:
        chapter = row(world, f"{prefix}{kind}_chapter_coverage", version, "chapter_id = 'gen-2'")
        assert chapter is not None
        assert chapter[:3] == ("gen-2", 2, 2)
        summary = row(world, f"{prefix}{kind}_version_progress_summary", version)
        assert summary is not None
        assert summary[:2] == (2, 11)


@pytest.mark.parametrize("kind", KINDS)
def test_a_version_without_content_has_every_row_with_zeros(world: World, kind: str) -> None:
    world.canon("eng")
    version = version_of(world, kind)
    assert_right(world.connection)
    key = f"{kind}_version_id"
    for prefix in BOTH:
        run = world.connection.execute
        chapters = run(
            f"select chapter_id, total_verses, is_complete from {prefix}{kind}_chapter_coverage"
            f" where {key} = %s order by chapter_id",
            [version],
        ).fetchall()
        assert chapters == [
            ("exod-1", 4, False),
            ("exod-2", 2, False),
            ("gen-1", 3, False),
            ("gen-2", 2, False),
        ]
        books = run(
            f"select book_id, complete_chapters, total_chapters, is_complete"
            f" from {prefix}{kind}_book_coverage where {key} = %s order by book_id",
            [version],
        ).fetchall()
        assert books == [("exod", 0, 2, False), ("gen", 0, 2, False)]
        summary = row(world, f"{prefix}{kind}_version_progress_summary", version)
        assert summary is not None
        assert summary[:9] == (0, 11, 0, 0, 4, 0, 0, 2, 0)
        assert run(f"select from {prefix}{kind}_verse_coverage").fetchall() == []


@pytest.mark.parametrize("kind", KINDS)
def test_empty_chapters_and_books_have_rows_and_are_never_complete(world: World, kind: str) -> None:
    world.canon("eng", {"gen": (1, 0), "exod": (0,), "lev": ()})
    version = version_of(world, kind)
    cover(world, kind, version, ["gen-1-1"])
    assert_right(world.connection)
    for prefix in BOTH:
        relation = f"{prefix}{kind}_chapter_coverage"
        chapters = [
            row(world, relation, version, f"chapter_id = '{chapter}'")
            for chapter in ("gen-1", "gen-2", "exod-1")
        ]
        # has_any stands in between for audio.
        assert [c and (*c[1:3], c[-2]) for c in chapters] == [
            (1, 1, True),
            (0, 0, False),
            (0, 0, False),
        ]
        relation = f"{prefix}{kind}_book_coverage"
        books = [
            row(world, relation, version, f"book_id = '{book}'") for book in ("gen", "exod", "lev")
        ]
        assert [b and b[1:4] for b in books] == [(1, 2, False), (0, 1, False), (0, 0, False)]
        summary = row(world, f"{prefix}{kind}_version_progress_summary", version)
        assert summary is not None
        assert (summary[0], summary[1], summary[6], summary[7], summary[8]) == (1, 1, 0, 3, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_canon_gives_a_summary_whose_fractions_are_null(world: World, kind: str) -> None:
    world.canon("eng", {})
    version = version_of(world, kind)
    assert_right(world.connection)
    for prefix in BOTH:
        summary = row(world, f"{prefix}{kind}_version_progress_summary", version)
        assert summary is not None
        assert summary[:9] == (0, 0, None, 0, 0, None, 0, 0, None)


@pytest.mark.parametrize("kind", KINDS)
def test_fractions_are_numeric_quotients_of_their_counts(world: World, kind: str) -> None:
    world.canon("eng")
    version = version_of(world, kind)
    cover(world, kind, version, ["gen-2-1", "gen-2-2", "gen-1-1"])
    assert_right(world.connection)
    chapters = 2 if kind == "audio" else 1
    for prefix in BOTH:
        found = world.connection.execute(
            "select verse_fraction = 3::numeric / 11, chapter_fraction = %s::numeric / 4,"
            " book_fraction = 0, pg_typeof(verse_fraction)::text,"
            " pg_typeof(chapter_fraction)::text, pg_typeof(book_fraction)::text"
            f" from {prefix}{kind}_version_progress_summary where {kind}_version_id = %s",
            [chapters, version],
        ).fetchone()
        assert found == (True, True, True, "numeric", "numeric", "numeric")


@pytest.mark.parametrize("kind", KINDS)
def test_everything_covered_is_exactly_one_and_complete(world: World, kind: str) -> None:
    world.canon("eng")
    version = version_of(world, kind)
    ids = world.connection.execute("select id from verses").fetchall()
    cover(world, kind, version, [verse for (verse,) in ids])
    assert_right(world.connection)
    for prefix in BOTH:
        summary = row(world, f"{prefix}{kind}_version_progress_summary", version)
        assert summary is not None
        assert summary[:9] == (11, 11, 1, 4, 4, 1, 2, 2, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_covered_stays_within_total_whatever_is_claimed(scene: Scene, kind: str) -> None:
    """Verses of another canon, claimed twice and in every way, do not push a count over."""
    world = scene.world
    version = scene.text_a if kind == "text" else scene.audio_a
    claimed = [f"{p}{c}-{n}" for p in ("", "v-") for c in ("gen-1", "gen-2") for n in (1, 2)]
    if kind == "text":
        world.connection.execute("delete from verse_texts where text_version_id = %s", [version])
    else:
        world.recording(version, start="gen-1-1", end="exod-2-2")
        world.recording(version, chapter="v-gen-1")
    cover(world, kind, version, claimed)
    assert_right(world.connection)
    found = world.connection.execute(
        f"select bool_and(covered_verses between 0 and total_verses) from"
        f" mv_{kind}_version_progress_summary"
    ).fetchone()
    assert found == (True,)


@pytest.mark.parametrize("kind", KINDS)
def test_verses_that_share_a_number_are_counted_one_by_one(world: World, kind: str) -> None:
    world.canon("eng", {"jude": (3,)})
    world.connection.execute("update verses set verse_number = 2")
    version = version_of(world, kind)
    cover(world, kind, version, ["jude-1-3"])
    assert_right(world.connection)
    found = world.connection.execute(f"select verse_id from mv_{kind}_verse_coverage").fetchall()
    assert found == [("jude-1-3",)]

    cover(world, kind, version, ["jude-1-1", "jude-1-2"])
    assert_right(world.connection)
    summary = row(world, f"mv_{kind}_version_progress_summary", version)
    assert summary is not None
    assert summary[:2] == (3, 3)


def test_a_range_covers_every_verse_that_shares_its_number(world: World) -> None:
    world.canon("eng", {"jude": (4,)})
    world.connection.execute("update verses set verse_number = 2 where verse_number = 3")
    version = world.audio_version()
    world.recording(version, start="jude-1-2")
    found = world.connection.execute("select verse_id from audio_verse_coverage order by 1")
    assert found.fetchall() == [("jude-1-2",), ("jude-1-3",)]
    assert_right(world.connection)


@pytest.mark.parametrize("kind", KINDS)
def test_every_live_version_has_a_summary_and_deleted_ones_have_none(
    scene: Scene, kind: str
) -> None:
    deleted = scene.texts[1] if kind == "text" else scene.audios[1]
    scene.connection.execute(
        f"update {kind}_versions set deleted_at = now() where id = %s", [deleted]
    )
    assert_right(scene.connection)
    for prefix in BOTH:
        found = scene.connection.execute(
            f"select {kind}_version_id from {prefix}{kind}_version_progress_summary"
        ).fetchall()
        everyone = scene.texts if kind == "text" else scene.audios
        assert {version for (version,) in found} == {*everyone} - {deleted}
