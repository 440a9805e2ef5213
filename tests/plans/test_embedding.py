"""What PostgREST embeds is looked up for each row that it is embedded in, and for no others."""

from collections.abc import Sequence
from typing import Any

import pytest
from cost import Reads, reads
from library import BOOKS, CHAPTERS, Library
from psycopg.sql import SQL, Identifier, Literal

STORED = ("chapter_bitmap", "book_rollup", "version_rollup")
CONTENT = ("verse_texts", "media_files", "media_files_verses")


def embed(library: Library, source: str, target: str, key: str, values: Sequence[Any]) -> Reads:
    """Embed all of target in the rows of source with these keys, as PostgREST writes it.

    Returns what that reads beside the rows of source.
    """
    names = {
        "source": Identifier(source),
        "target": Identifier(target),
        "rows": SQL("{}.{} = any({})").format(
            Identifier(source), Identifier(key), Literal(list(values))
        ),
    }
    with reads(library.connection) as without:
        library.connection.execute(SQL("select * from {source} where {rows}").format(**names))
    with reads(library.connection) as found:
        row = library.connection.execute(
            SQL(
                "select count(*), sum(jsonb_array_length(b.t)) from {source} left join lateral ("
                " select json_agg(t)::jsonb as t from (select a.* from {target}({source}) as a) t"
                ") as b on true where {rows}"
            ).format(**names)
        ).fetchone()
    assert row is not None
    assert row[0] >= len(values), f"{source} has no row to embed in"
    assert row[1], f"nothing of {target} is embedded in {source}"
    for table in found.rows:
        found.rows[table] -= without.rows.get(table, 0)
        found.whole_scans[table] -= without.whole_scans.get(table, 0)
    return found


@pytest.mark.parametrize("prefix", ["", "mv_"])
@pytest.mark.parametrize("kind", ["audio", "text"])
def test_embedding_in_two_rows_reads_twice_what_one_takes(
    library: Library, kind: str, prefix: str
) -> None:
    relationships = library.connection.execute(
        "select source, target, source_columns[1] from progress.relationships"
        " where concat(source, ' ', target) ~ %(kind)s"
        " and (concat(source, ' ', target) ~ 'mv_') = %(stored)s",
        {"kind": kind, "stored": bool(prefix)},
    ).fetchall()
    assert len(relationships) == 14
    versions = [
        id
        for (id,) in library.connection.execute(
            SQL("select id from {} where name in ('Text', 'Recording') order by id limit 2").format(
                Identifier(f"{kind}_versions")
            )
        ).fetchall()
    ]
    languages = [
        id
        for (id,) in library.connection.execute(
            "select id from language_entities where name like 'Language %' order by id limit 2"
        ).fetchall()
    ]
    for source, target, column in relationships:
        # The best version brings but its id, and live it is found by counting every version.
        if "best" in source or target == f"language_entity_best_{kind}_version":
            continue
        key = (
            column if source in (f"{kind}_versions", "language_entities") else f"{kind}_version_id"
        )
        both = languages if source == "language_entities" else versions
        one = embed(library, source, target, key, both[:1])
        two = embed(library, source, target, key, both)
        for table in (*STORED, *CONTENT):
            name = f"{target} in {source}: {table}"
            assert two.rows[table] <= 2 * one.rows[table] + 5, name
            if prefix:
                assert two.whole_scans[table] <= 0, name


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_a_summary_in_each_version_is_one_lookup_each(library: Library, kind: str) -> None:
    [(versions,)] = library.connection.execute(
        SQL("select array_agg(id) from {} where deleted_at is null").format(
            Identifier(f"{kind}_versions")
        )
    ).fetchall()
    found = embed(
        library, f"{kind}_versions", f"mv_{kind}_version_progress_summary", "id", versions
    )
    assert found.rows["version_rollup"] == len(versions) > 50
    assert found.rows["book_rollup"] == found.rows["chapter_bitmap"] == 0


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_books_and_chapters_of_a_version_are_its_own_rows(library: Library, kind: str) -> None:
    version = [library.text if kind == "text" else library.audio]
    found = embed(library, f"{kind}_versions", f"mv_{kind}_book_coverage", "id", version)
    assert found.rows["book_rollup"] == BOOKS
    found = embed(library, f"{kind}_versions", f"mv_{kind}_chapter_coverage", "id", version)
    assert found.rows["chapter_bitmap"] <= BOOKS * CHAPTERS
