"""DESIGN section 4 for texts: which rows of verse_texts cover a verse."""

import pytest
from scene import Scene

from oracle.checks import assert_right
from support.builders import World

# Every character of Unicode's White_Space, and the zero-width ones that editors leave behind.
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
BLANK = [None, "", *SPACES, *ZERO_WIDTH, "  \u00a0\t\r\n\u200b  ", SPACES + ZERO_WIDTH]
WORDS = ["v", "b", "vv v", "x", "0", ".", "…", "[]", " a ", "\u200bא\u200b", "ܐ", "\u0301", "\\"]


@pytest.fixture
def empty(world: World) -> World:
    """A canon of one chapter with two verses."""
    world.canon("eng", {"jude": (2,)})
    return world


def covered(world: World) -> list[str]:
    rows = world.connection.execute("select verse_id from text_verse_coverage order by 1")
    return [row[0] for row in rows.fetchall()]


def test_blank_text_covers_nothing_whatever_its_white_space(empty: World) -> None:
    # One version for each kind of blank, so that one check looks at all of them.
    for blank in BLANK:
        version = empty.text_version(name=repr(blank))
        empty.text(version, ["jude-1-1"], blank)

    found = empty.connection.execute(
        "select v.name from text_verse_coverage c join text_versions v on v.id = c.text_version_id"
    ).fetchall()
    assert found == []
    assert_right(empty.connection)


def test_anything_visible_is_text_however_short(empty: World) -> None:
    for words in WORDS:
        version = empty.text_version(name=repr(words))
        empty.text(version, ["jude-1-2"], words)

    missing = empty.connection.execute(
        "select v.name from text_versions v where not exists"
        " (select from text_verse_coverage c where c.text_version_id = v.id)"
    ).fetchall()
    assert missing == []
    assert_right(empty.connection)


def test_a_deleted_row_covers_nothing_and_counts_again_once_restored(empty: World) -> None:
    version = empty.text_version()
    empty.text(version, ["jude-1-1", "jude-1-2"])
    run = empty.connection.execute

    run("update verse_texts set deleted_at = now() where verse_id = 'jude-1-1'")
    assert covered(empty) == ["jude-1-2"]
    assert_right(empty.connection)

    run("update verse_texts set deleted_at = null")
    assert covered(empty) == ["jude-1-1", "jude-1-2"]
    assert_right(empty.connection)


def test_a_row_deleted_in_the_future_is_deleted(empty: World) -> None:
    version = empty.text_version()
    empty.text(version, ["jude-1-1"])
    empty.connection.execute("update verse_texts set deleted_at = now() + interval '9 years'")
    assert covered(empty) == []
    assert_right(empty.connection)


@pytest.mark.parametrize("status", ["pending", "published", "archived"])
def test_the_publish_status_of_a_text_does_not_matter(empty: World, status: str) -> None:
    version = empty.text_version()
    empty.text(version, ["jude-1-1"])
    empty.connection.execute("update verse_texts set publish_status = %s", [status])
    assert covered(empty) == ["jude-1-1"]


def test_verses_of_another_canon_do_not_count(scene: Scene) -> None:
    before = covered(scene.world)
    scene.world.text(scene.text_a, ["v-gen-1-1", "v-gen-1-2", "v-exod-2-1"])
    assert covered(scene.world) == before
    assert_right(scene.connection)


def test_a_text_whose_version_changes_canon_loses_its_verses_and_gets_them_back(
    scene: Scene,
) -> None:
    before = covered(scene.world)
    change = "update text_versions set bible_version_id = %s where id = %s"
    scene.connection.execute(change, ["vul", scene.text_a])
    kept = scene.connection.execute(
        "select covered_verses, total_verses from text_version_progress_summary"
        " where text_version_id = %s",
        [scene.text_a],
    ).fetchone()
    assert kept == (0, 11)
    assert_right(scene.connection)

    scene.connection.execute(change, ["eng", scene.text_a])
    assert covered(scene.world) == before
    assert_right(scene.connection)


def test_a_deleted_version_has_no_row_at_any_level(scene: Scene) -> None:
    scene.connection.execute(
        "update text_versions set deleted_at = now() where id = %s", [scene.text_a]
    )
    assert_right(scene.connection)
    for relation in ("verse", "chapter", "book"):
        for prefix in ("", "mv_"):
            rows = scene.connection.execute(
                f"select from {prefix}text_{relation}_coverage where text_version_id = %s",
                [scene.text_a],
            ).fetchall()
            assert rows == [], (prefix, relation)
    for prefix in ("", "mv_"):
        rows = scene.connection.execute(
            f"select from {prefix}text_version_progress_summary where text_version_id = %s",
            [scene.text_a],
        ).fetchall()
        assert rows == []
