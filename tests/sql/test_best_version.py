"""Which version of a language is best: every step of the order, and who is never best."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest

from oracle.checks import assert_right
from support.builders import World

pytestmark = pytest.mark.parametrize("kind", ["audio", "text"])

BOOKS: Mapping[str, Sequence[int]] = {"gen": (2, 2), "jude": (1,), "rev": (1, 1)}


@pytest.fixture
def language(world: World) -> UUID:
    world.canon("eng", BOOKS)
    world.canon("small", {"gen": (2, 2)}, prefix="s-")
    return world.language()


def make(
    world: World,
    kind: str,
    language: UUID,
    verses: Sequence[str],
    *,
    created: str,
    canon: str = "eng",
    version_id: str | None = None,
) -> UUID:
    """Make a version created in year `created` that covers `verses`."""
    if kind == "text":
        version = world.text_version(canon, language)
    else:
        version = world.audio_version(canon, language)
    world.connection.execute(
        f"update {kind}_versions set created_at = %s, id = coalesce(%s, id) where id = %s",
        [f"{created}-01-01", version_id, version],
    )
    version = UUID(version_id) if version_id else version
    if kind == "text":
        world.text(version, verses)
    elif verses:
        world.timings(world.recording(version), verses)
    return version


def assert_best(world: World, kind: str, language: UUID, expected: UUID | None) -> None:
    assert_right(world.connection)
    for prefix in ("", "mv_"):
        found = world.connection.execute(
            f"select {kind}_version_id from {prefix}language_entity_best_{kind}_version"
            " where language_entity_id = %s",
            [language],
        ).fetchall()
        assert found == ([] if expected is None else [(expected,)])
    exact = world.connection.execute(
        "select progress.exact_best_version(%s, %s)", [kind, language]
    ).fetchone()
    assert exact == (expected,)


def test_more_covered_verses_beat_every_fraction(world: World, kind: str, language: UUID) -> None:
    make(world, kind, language, ["s-gen-1-1", "s-gen-1-2"], canon="small", created="2030")
    best = make(world, kind, language, ["gen-1-1", "gen-2-1", "rev-1-1"], created="2020")
    assert_best(world, kind, language, best)


def test_then_the_larger_share_of_verses(world: World, kind: str, language: UUID) -> None:
    make(world, kind, language, ["jude-1-1", "rev-1-1"], created="2030")
    # In its shorter canon two verses are a larger share, though of fewer chapters and books.
    best = make(world, kind, language, ["s-gen-1-1", "s-gen-2-1"], canon="small", created="2020")
    assert_best(world, kind, language, best)


def test_then_the_larger_share_of_chapters(world: World, kind: str, language: UUID) -> None:
    if kind == "audio":
        # Chapters with any recording: three here, two in the one that completes a book.
        make(world, kind, language, ["gen-1-1", "gen-1-2", "jude-1-1"], created="2030")
        best = make(world, kind, language, ["gen-1-1", "gen-2-1", "rev-1-1"], created="2020")
    else:
        # Complete chapters: two here, one in the one that completes a book.
        make(world, kind, language, ["gen-1-1", "gen-2-1", "jude-1-1"], created="2030")
        best = make(world, kind, language, ["gen-1-1", "gen-1-2", "rev-1-1"], created="2020")
    assert_best(world, kind, language, best)


def test_then_the_larger_share_of_books(world: World, kind: str, language: UUID) -> None:
    make(world, kind, language, ["rev-1-1"], created="2030")
    best = make(world, kind, language, ["jude-1-1"], created="2020")
    assert_best(world, kind, language, best)


def test_then_the_newest(world: World, kind: str, language: UUID) -> None:
    low, high = "00000000-0000-4000-8000-000000000001", "ffffffff-0000-4000-8000-000000000001"
    make(world, kind, language, ["jude-1-1"], created="2020", version_id=low)
    best = make(world, kind, language, ["jude-1-1"], created="2030", version_id=high)
    assert_best(world, kind, language, best)


def test_then_the_lowest_id(world: World, kind: str, language: UUID) -> None:
    low, high = "00000000-0000-4000-8000-000000000001", "ffffffff-0000-4000-8000-000000000001"
    make(world, kind, language, ["jude-1-1"], created="2030", version_id=high)
    best = make(world, kind, language, ["jude-1-1"], created="2030", version_id=low)
    assert_best(world, kind, language, best)


def test_a_version_that_covers_nothing_is_never_best(
    world: World, kind: str, language: UUID
) -> None:
    make(world, kind, language, [], created="2030")
    assert_best(world, kind, language, None)


def test_a_deleted_version_is_never_best(world: World, kind: str, language: UUID) -> None:
    gone = make(world, kind, language, ["gen-1-1", "gen-1-2"], created="2030")
    best = make(world, kind, language, ["gen-1-1"], created="2020")
    assert_best(world, kind, language, gone)
    world.connection.execute(f"update {kind}_versions set deleted_at = now() where id = %s", [gone])
    assert_best(world, kind, language, best)


def test_the_best_follows_a_change_of_date_or_language_without_a_drain(
    world: World, kind: str, language: UUID
) -> None:
    older = make(world, kind, language, ["gen-1-1"], created="2020")
    newer = make(world, kind, language, ["gen-1-1"], created="2030")
    assert_best(world, kind, language, newer)

    run = world.connection.execute
    run(f"update {kind}_versions set created_at = '2040-01-01' where id = %s", [older])
    assert_best(world, kind, language, older)

    other = world.language("Another")
    run(f"update {kind}_versions set language_entity_id = %s where id = %s", [other, older])
    assert_best(world, kind, language, newer)
    assert_best(world, kind, other, older)


def test_a_missing_date_is_the_oldest(world: World, kind: str, language: UUID) -> None:
    run = world.connection.execute
    run(f"alter table {kind}_versions alter created_at drop not null")
    dated = make(world, kind, language, ["gen-1-1"], created="1900")
    undated = make(world, kind, language, ["gen-1-1"], created="2030")
    run(f"update {kind}_versions set created_at = null where id = %s", [undated])
    assert_best(world, kind, language, dated)
    found = run(
        "select reason from progress.best_versions(array[%s::uuid]) where kind = %s",
        [language, kind],
    ).fetchone()
    assert found == ("as much as others, and the newest",)
    run(f"update {kind}_versions set created_at = null where id = %s", [dated])
    assert_best(world, kind, language, min(dated, undated))


def test_each_kind_has_a_best_of_its_own(world: World, kind: str, language: UUID) -> None:
    best = make(world, kind, language, ["jude-1-1"], created="2020")
    other = "text" if kind == "audio" else "audio"
    make(world, other, language, ["gen-1-1", "gen-1-2"], created="2030")
    assert_best(world, kind, language, best)
