"""Texts: which rows of verse_texts cover a verse."""

import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from scene import Scene

from bible_progress.installing import install
from oracle.checks import assert_right
from support.builders import World
from support.recount import is_text

# Every character of Unicode's White_Space.
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
# Of every kind that shows nothing: zero width, direction, joiners, fillers, selectors, Braille's
# blank, controls, tags.
UNSEEN = (
    "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u061c\u202a\u202e\u2066\u2069\xad\u034f\u180e"
    "\u2061\u2064\u206a\ufff9\ufffb\u115f\u1160\u3164\uffa0\u17b4\u180b\ufe0f\ufe00\u2800\x01\x1f"
    "\x7f\x9f\u2065\ufff0\U000e0001\U000e0020\U000e0100\U0001d173\U0001bca0"
)
PLACEHOLDERS = [
    *(
        "...",
        "…",
        "-",
        "–",
        "—",
        "_",
        "___",
        "[ ]",
        "[]",
        "?",
        "*",
        ".",
        "•",
        "#",
        "/",
        "~",
        "=",
        "+",
    ),
    *(
        "|",
        "()",
        "{}",
        "<>",
        "« »",
        "“”",
        '""',
        "''",
        "‘’",
        "`",
        "^",
        "$",
        "%",
        "&",
        "@",
        "!",
        ":",
        ";",
    ),
    *(
        ",",
        "\\",
        "·",
        "§",
        "¶",
        "†",
        "‡",
        "−",
        "―",
        "‒",
        "⸺",
        "․",
        "‥",
        "⋯",
        "□",
        "☐",
        "✗",
        "✓",
        "○",
    ),
    *(
        "。",
        "、",
        "・",
        "「」",
        "（）",
        "［］",
        "【】",
        "＊",
        "？",
        "－",
        "＿",
        "〜",
        "…… ……",
        "⸻",
        "〓",
        "�",
    ),
    *(
        "؟",
        "۔",
        "۝",
        "־",
        "׃",
        "।",
        "॥",
        "።",
        "၊",
        "ـــ",
        "ーーー",
        "ｰｰ",
        "ߺߺ",
        "❌",
        "⏳",
        "🚧",
        "▢",
        "￼",
    ),
    *(
        "*\ufe0f\u20e3",
        "— ? —",
        "[...]",
        "(…)",
        "\u200f.\u200f",
        "- -\n- -",
        "<!-- -->",
        "👩\u200d💻",
    ),
]
BLANK = [None, "", *SPACES, *UNSEEN, "  \u00a0\t\r\n\u200b  ", SPACES + UNSEEN, *PLACEHOLDERS]
WORDS = [
    *(
        "v",
        "b",
        "vv v",
        "x",
        "0",
        "7",
        "½",
        "Ⅳ",
        "①",
        " a ",
        "\u200bא\u200b",
        "ܐ",
        "\u0301",
        "[x]",
        "— ő",
    ),
    *(
        "“И",
        "...ü",
        "「あ」",
        "* * * ʘ",
        "ة",
        "ኣ",
        "字",
        "𠀀",
        "한",
        "𓀀",
        "\ue000",
        "\u0378",
        "𝠀𝪜",
        "\u2801",
        "﷽",
    ),
    *("\u200f\u200f\u200f\u200fש", "…" * 40 + "z", "?" * 200 + "ꙮ"),
]


@pytest.fixture
def empty(world: World) -> World:
    """A canon of one chapter with two verses."""
    world.canon("eng", {"jude": (2,)})
    return world


def covered(world: World) -> list[str]:
    rows = world.connection.execute("select verse_id from text_verse_coverage order by 1")
    return [row[0] for row in rows.fetchall()]


def write_each(world: World, texts: Sequence[str | None]) -> set[str | None]:
    """Write each text to a verse of its own, and return those that cover theirs."""
    world.canon("eng", {"jude": (len(texts),)})
    version = world.text_version()
    for number, text in enumerate(texts, start=1):
        world.text(version, [f"jude-1-{number}"], text)
    return {texts[int(verse.removeprefix("jude-1-")) - 1] for verse in covered(world)}


def test_what_is_nothing_but_blank_covers_nothing(world: World) -> None:
    assert write_each(world, BLANK) == set()
    assert_right(world.connection)


def test_a_letter_a_number_or_a_mark_is_text_whatever_is_around_it(world: World) -> None:
    assert write_each(world, WORDS) == set(WORDS)
    assert_right(world.connection)


@pytest.mark.parametrize("before", ["", "?", "“…", " \u200f[ "])
def test_every_character_of_unicode_is_text_or_blank_as_its_properties_say(
    conn: Connection[Any], before: str
) -> None:
    """Behind none, one and more blank ones: each way to look is right about every character."""
    # What this Python may know otherwise: what came into Unicode lately.
    codes = [
        code
        for code in range(1, sys.maxunicode + 1)
        if not 0xD800 <= code < 0xE000 and unicodedata.ucd_3_2_0.category(chr(code)) != "Cn"
    ]
    told = conn.execute(
        "select array_agg(c.code order by c.code) from unnest(%s::integer[]) as c (code)"
        " where progress.text_counts(%s || chr(c.code), null)",
        [codes, before],
    ).fetchone()
    assert told is not None
    assert set(told[0]) == {code for code in codes if is_text(chr(code))}


def test_the_rule_does_not_depend_on_a_collation(conn: Connection[Any]) -> None:
    names = [
        name
        for (name,) in conn.execute(
            "select (array_agg(format('%I.%I', collnamespace::regnamespace, collname)"
            " order by collname))[1] from pg_collation where collencoding in (-1, 6)"
            " group by collprovider"
        ).fetchall()
    ]
    if conn.execute("select from pg_collation where collprovider = 'i'").rowcount > 0:
        try:
            with conn.transaction():
                conn.execute(
                    "create collation blind (provider = icu, locale = 'und-u-ks-level1',"
                    " deterministic = false)"
                )
            names.append("blind")
        except psycopg.errors.FeatureNotSupported:
            pass  # Built without ICU.
    assert names
    for name in ['"C"', *names]:
        wrong = conn.execute(
            "select t.t from unnest(%s::text[], %s::boolean[]) as t (t, counts)"  # type: ignore[arg-type]
            f" where progress.text_counts(t.t collate {name}, null) is distinct from t.counts",
            [[*BLANK[1:], *WORDS], [*(False for _ in BLANK[1:]), *(True for _ in WORDS)]],
        ).fetchall()
        assert wrong == [], name


def test_the_rule_is_part_of_the_plan_and_not_called_for_each_row(conn: Connection[Any]) -> None:
    plan = conn.execute("explain (verbose) select * from text_verse_coverage").fetchall()
    assert "text_counts" not in str(plan)
    assert "blank_" not in str(plan)


@pytest.mark.parametrize(
    "locale",
    ["locale 'C'", "locale_provider icu icu_locale 'tr' locale 'C'", "locale 'C.UTF-8'"],
)
def test_texts_count_alike_in_a_database_of_any_locale(server: str, locale: str) -> None:
    name = "any_locale"
    with psycopg.connect(server, autocommit=True) as admin:
        try:
            admin.execute(
                sql.SQL("create database {} template template0 encoding 'UTF8' ").format(
                    sql.Identifier(name)
                )
                + sql.SQL(locale)  # type: ignore[arg-type]
            )
        except (psycopg.errors.FeatureNotSupported, psycopg.errors.WrongObjectType) as error:
            pytest.skip(f"this server has no such locale: {error}")
        try:
            with psycopg.connect(make_conninfo(server, dbname=name), autocommit=True) as connection:
                install.install(connection)
                assert write_each(World(connection), [*BLANK, *WORDS]) == set(WORDS)
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


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
