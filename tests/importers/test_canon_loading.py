"""Loading a canon into the host tables; `conn` is rolled back after each test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, LiteralString

import pytest
from psycopg import Connection

from bible_progress.errors import InputError
from bible_progress.importers.canon import (
    Canon,
    CanonBook,
    LoadReport,
    load_canon,
    packaged_canon,
)

ALPHA = CanonBook(id="alpha", number=1, name="Alpha", testament="old", verses=(3, 2))
BETA = CanonBook(id="beta", number=4, name="Beta", testament="dc", verses=(1,))
SMALL = Canon(books=(ALPHA, BETA))


def load(conn: Connection[Any], canon: Canon = SMALL, **changes: Any) -> LoadReport:
    # With a transaction open, load_canon makes a savepoint; otherwise it would commit.
    conn.execute("select 1")
    return load_canon(conn, canon, **{"bible_version_id": "small", "name": "Small"} | changes)


def rows(conn: Connection[Any], query: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
    return conn.execute(query, values).fetchall()


def stored(conn: Connection[Any], bible_version_id: str = "small") -> list[tuple[Any, ...]]:
    """Return every row of a canon with its place in the table, which a write would change."""
    return rows(
        conn,
        """
        select bv.ctid, bv, b.ctid, b, c.ctid, c, v.ctid, v
        from public.bible_versions as bv
        left join public.books as b on b.bible_version_id = bv.id
        left join public.chapters as c on c.book_id = b.id
        left join public.verses as v on v.chapter_id = c.id
        where bv.id = %s
        order by b.book_number, c.chapter_number, v.verse_number, v.id
        """,
        bible_version_id,
    )


def test_a_canon_is_written_to_the_host_tables(conn: Connection[Any]) -> None:
    assert load(conn) == LoadReport(books=2, chapters=3, verses=6, changed=True)
    assert rows(conn, "select name from public.bible_versions where id = 'small'") == [("Small",)]
    assert rows(
        conn,
        """
        select id, name, book_number, testament
        from public.books
        where bible_version_id = 'small'
        order by book_number
        """,
    ) == [("alpha", "Alpha", 1, "old"), ("beta", "Beta", 4, "dc")]
    assert rows(
        conn,
        """
        select id, chapter_number, book_id, total_verses
        from public.chapters
        where book_id in ('alpha', 'beta')
        order by id
        """,
    ) == [("alpha-1", 1, "alpha", 3), ("alpha-2", 2, "alpha", 2), ("beta-1", 1, "beta", 1)]
    assert rows(
        conn,
        """
        select id, verse_number, chapter_id
        from public.verses
        where chapter_id in ('alpha-1', 'alpha-2', 'beta-1')
        order by id
        """,
    ) == [
        ("alpha-1-1", 1, "alpha-1"),
        ("alpha-1-2", 2, "alpha-1"),
        ("alpha-1-3", 3, "alpha-1"),
        ("alpha-2-1", 1, "alpha-2"),
        ("alpha-2-2", 2, "alpha-2"),
        ("beta-1-1", 1, "beta-1"),
    ]


def test_loading_again_writes_no_row(conn: Connection[Any]) -> None:
    load(conn)
    before = stored(conn)
    assert load(conn) == LoadReport(books=2, chapters=3, verses=6, changed=False)
    assert stored(conn) == before


def test_the_packaged_canon_loads_whole_under_a_prefix(conn: Connection[Any]) -> None:
    for changed in (True, False):
        report = load(conn, packaged_canon(), id_prefix="x-")
        assert report == LoadReport(books=66, chapters=1189, verses=31102, changed=changed)
    assert len(stored(conn)) == 31102
    assert rows(conn, "select id from public.verses where id = 'x-1cor-13-4'")


def test_two_canons_with_different_prefixes_stand_side_by_side(conn: Connection[Any]) -> None:
    load(conn)
    assert load(conn, bible_version_id="other", id_prefix="o_").changed
    assert not load(conn).changed
    assert len(stored(conn)) == len(stored(conn, "other")) == 6


def test_a_version_without_books_is_filled(conn: Connection[Any]) -> None:
    conn.execute("insert into public.bible_versions (id, name) values ('small', 'Small')")
    assert load(conn).changed
    assert not load(conn).changed


@pytest.mark.parametrize(
    ("canon", "complaint"),
    [
        (Canon(books=(ALPHA,)), "book 'beta' is (number 4, .*) in the database and (absent)"),
        (
            Canon(books=(*SMALL.books, replace(BETA, id="gamma", number=5))),
            "book 'gamma' is (absent) in the database and (number 5, .*)",
        ),
        (
            Canon(books=(ALPHA, replace(BETA, name="B'"))),
            "(number 4, name 'Beta', .*) .* (number 4, name 'B''', .*)",
        ),
        (Canon(books=(ALPHA, replace(BETA, testament="new"))), "'dc'.*'new'"),
        (Canon(books=(ALPHA, replace(BETA, number=9))), "number 4.*number 9"),
        (
            Canon(books=(replace(ALPHA, verses=(3, 2, 1)), BETA)),
            "chapter 'alpha-3' is (absent) in the database and (chapter 3 of alpha, verses 1)",
        ),
        (
            Canon(books=(replace(ALPHA, verses=(3, 1)), BETA)),
            "chapter 'alpha-2' is (.*, verses 2) in the database and (.*, verses 1)",
        ),
    ],
)
def test_another_structure_is_refused(conn: Connection[Any], canon: Canon, complaint: str) -> None:
    load(conn)
    before = stored(conn)
    pattern = complaint.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(InputError, match=f"another structure: .*{pattern}"):
        load(conn, canon)
    assert stored(conn) == before


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("delete from public.verses where id = 'alpha-1-2'", "verse 'alpha-1-2' is .absent."),
        ("update public.verses set verse_number = 9 where id = 'alpha-1-2'", "verse 9 of alpha-1"),
        ("update public.verses set chapter_id = 'beta-1' where id = 'alpha-1-2'", "of beta-1"),
        ("insert into public.verses values ('v', 4, 'alpha-1')", "verse 'v' .*and .absent."),
        ("update public.chapters set total_verses = 7 where id = 'alpha-1'", "verses 7"),
        ("update public.books set testament = null where id = 'alpha'", "testament NULL"),
        ("update public.bible_versions set name = 'Mine' where id = 'small'", "name 'Mine'"),
    ],
)
def test_a_canon_changed_in_the_database_is_not_overwritten(
    conn: Connection[Any], change: LiteralString, complaint: str
) -> None:
    load(conn)
    conn.execute(change)
    before = stored(conn)
    with pytest.raises(InputError, match=complaint):
        load(conn)
    assert stored(conn) == before


@pytest.mark.parametrize(
    ("canon", "level", "taken"),
    [
        (SMALL, "book", "alpha"),
        (Canon(books=(replace(ALPHA, id="new"), BETA)), "book", "beta"),
    ],
)
def test_ids_of_another_version_are_refused(
    conn: Connection[Any], canon: Canon, level: str, taken: str
) -> None:
    load(conn)
    with pytest.raises(InputError, match=f"{level} id '{taken}' belongs to .*'small'") as refusal:
        load(conn, canon, bible_version_id="other")
    assert "--id-prefix" in str(refusal.value.hint)
    assert stored(conn, "other") == []


def test_chapter_and_verse_ids_of_another_version_are_refused(conn: Connection[Any]) -> None:
    load(conn)
    conn.execute("insert into public.chapters values ('gamma-1', 9, 'beta', 0)")
    gamma = Canon(books=(replace(BETA, id="gamma"),))
    with pytest.raises(InputError, match=r"chapter id 'gamma-1' belongs to .*'small'"):
        load(conn, gamma, bible_version_id="other")
    conn.execute("update public.chapters set id = 'free' where id = 'gamma-1'")
    conn.execute("insert into public.verses values ('gamma-1-1', 1, 'free')")
    with pytest.raises(InputError, match=r"verse id 'gamma-1-1' belongs to .*'small'"):
        load(conn, gamma, bible_version_id="other")


def test_a_refusal_leaves_the_callers_transaction_usable(conn: Connection[Any]) -> None:
    conn.execute("insert into public.bible_versions (id, name) values ('before', 'Before')")
    load(conn)
    with pytest.raises(InputError):
        load(conn, bible_version_id="other")
    assert rows(conn, "select id from public.bible_versions where id = 'before'")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"bible_version_id": " "}, "bible version id is empty"),
        ({"name": ""}, "bible version name is empty"),
        ({"name": "a\0b"}, r"bible version name: control character U\+0000"),
        ({"id_prefix": "a b"}, "id prefix 'a b'"),
        ({"id_prefix": "é"}, "id prefix"),
    ],
)
def test_unusable_labels_are_refused(
    conn: Connection[Any], changes: dict[str, str], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        load(conn, **changes)


def test_progress_counts_rows_up_to_all_of_them(conn: Connection[Any]) -> None:
    seen: list[tuple[int, int]] = []
    load(conn, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 11), (5, 11), (11, 11)]
    seen.clear()
    load(conn, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(11, 11)]
