"""Clients of PostgREST embed relations of the contract in the host's tables and in each other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from psycopg.sql import SQL, Identifier

from bible_progress.installing.schema import contract_views
from postgrest.rest import token
from postgrest.site import Site

# (source, target) of progress.relationships, for the two ways to read and both kinds.
_KINDS = [(kind, prefix) for kind in ("audio", "text") for prefix in ("", "mv_")]
RELATIONSHIPS = [
    (source.format(kind=kind, mv=mv), target.format(kind=kind, mv=mv))
    for kind, mv in _KINDS
    for source, target in (
        ("{kind}_versions", "{mv}{kind}_version_progress_summary"),
        ("{kind}_versions", "{mv}{kind}_book_coverage"),
        ("{kind}_versions", "{mv}{kind}_chapter_coverage"),
        ("{kind}_versions", "{mv}{kind}_verse_coverage"),
        ("{mv}{kind}_version_progress_summary", "{kind}_versions"),
        ("{mv}{kind}_version_progress_summary", "{mv}{kind}_book_coverage"),
        ("{mv}{kind}_version_progress_summary", "{mv}{kind}_chapter_coverage"),
        ("{mv}{kind}_book_coverage", "books"),
        ("{mv}{kind}_book_coverage", "{mv}{kind}_chapter_coverage"),
        ("{mv}{kind}_chapter_coverage", "chapters"),
        ("{mv}{kind}_chapter_coverage", "{mv}{kind}_verse_coverage"),
        ("{mv}{kind}_verse_coverage", "verses"),
        ("language_entities", "{mv}language_entity_best_{kind}_version"),
        ("{mv}language_entity_best_{kind}_version", "{kind}_versions"),
    )
]


def test_these_are_all_relationships(site: Site) -> None:
    rows = site.connection.execute("select source, target from progress.relationships").fetchall()
    assert sorted(rows) == sorted(RELATIONSHIPS)
    assert {name for pair in RELATIONSHIPS for name in pair} >= set(contract_views())


@pytest.mark.parametrize("who", ["anon", "owner"])
@pytest.mark.parametrize(("source", "target"), RELATIONSHIPS)
def test_what_belongs_to_a_row_is_embedded_in_it(
    site: Site, source: str, target: str, who: str
) -> None:
    """Each as if the client had read both relations and put them together."""
    headers = {} if who == "anon" else site.as_owner()
    row = site.connection.execute(
        "select source_columns, target_columns, is_one from progress.relationships"
        " where source = %s and target = %s",
        [source, target],
    ).fetchone()
    assert row is not None
    source_columns, target_columns, is_one = row
    expected: list[dict[str, Any]] = []
    below = site.get(target, headers=headers)
    for above in site.get(source, headers=headers):
        wanted = [above[column] for column in source_columns]
        found = [each for each in below if [each[column] for column in target_columns] == wanted]
        assert len(found) <= 1 or not is_one
        expected.append({**above, target: next(iter(found), None) if is_one else found})
    embedded = site.get(source, headers=headers, select=f"*,{target}(*)")
    assert _ordered(embedded) == _ordered(expected)
    assert any(each[target] for each in embedded)


def test_versions_come_with_their_summary(site: Site) -> None:
    rows = site.get(
        "text_versions",
        select="name,mv_text_version_progress_summary(covered_verses,total_verses)",
        order="name",
    )
    summaries = {row["name"]: row["mv_text_version_progress_summary"] for row in rows}
    assert summaries == {
        "Begun": {"covered_verses": 4, "total_verses": 11},
        "Deleted": None,
        "Empty": {"covered_verses": 0, "total_verses": 11},
        "Fuller": {"covered_verses": 5, "total_verses": 11},
        "Other": {"covered_verses": 1, "total_verses": 11},
    }


@pytest.mark.parametrize("prefix", ["", "mv_"])
def test_languages_come_with_their_best_version_and_its_summary(site: Site, prefix: str) -> None:
    best, summary = f"{prefix}language_entity_best_text_version", "mv_text_version_progress_summary"
    select = f"name,{best}(text_versions(name,{summary}(covered_verses)))"
    rows = site.get("language_entities", select=select, order="name")
    assert rows == [
        {
            "name": language,
            best: {"text_versions": {"name": name, summary: {"covered_verses": covered}}},
        }
        for language, name, covered in (("English", "Fuller", 5), ("Swahili", "Other", 1))
    ]
    # The owner of the hidden version sees that it is better.
    rows = site.get("language_entities", select=select, headers=site.as_owner(), name="eq.English")
    assert [row[best]["text_versions"]["name"] for row in rows] == ["Hidden text"]


def test_languages_come_with_their_versions_and_their_summaries(site: Site) -> None:
    rows = site.get(
        "language_entities",
        select="name,audio_versions(name,mv_audio_version_progress_summary(covered_verses))",
        order="name",
    )
    assert rows == [
        {
            "name": language,
            "audio_versions": [
                {"name": name, "mv_audio_version_progress_summary": {"covered_verses": covered}}
            ],
        }
        for language, name, covered in (
            ("English", "Recorded", 6),
            ("Swahili", "First recordings", 1),
        )
    ]


@pytest.mark.parametrize("prefix", ["", "mv_"])
def test_a_tree_is_read_in_one_request(site: Site, prefix: str) -> None:
    books, chapters = f"{prefix}text_book_coverage", f"{prefix}text_chapter_coverage"
    [row] = site.get(
        "text_versions",
        select=f"name,{books}(is_complete,books(name),{chapters}(chapter_id,is_complete))",
        name="eq.Fuller",
        **{f"{books}.order": "book_id.desc", f"{books}.{chapters}.order": "chapter_id"},
    )
    assert [
        (
            book["books"]["name"],
            book["is_complete"],
            [(each["chapter_id"], each["is_complete"]) for each in book[chapters]],
        )
        for book in row[books]
    ] == [
        ("gen", True, [("gen-1", True), ("gen-2", True)]),
        ("exod", False, [("exod-1", False), ("exod-2", False)]),
    ]


@pytest.mark.parametrize("prefix", ["", "mv_"])
def test_versions_are_found_by_what_is_embedded(site: Site, prefix: str) -> None:
    books, summary = f"{prefix}text_book_coverage", f"{prefix}text_version_progress_summary"
    rows = site.get(
        "text_versions",
        select=f"name,{books}!inner(book_id)",
        **{f"{books}.is_complete": "is.true"},
    )
    assert rows == [{"name": "Fuller", books: [{"book_id": "gen"}]}]
    rows = site.get(
        "text_versions",
        select=f"name,{summary}!inner(covered_verses)",
        order=f"{summary}(covered_verses).desc",
        **{f"{summary}.covered_verses": "gt.0", "limit": "2", "offset": "1"},
    )
    assert [row["name"] for row in rows] == ["Begun", "Other"]


def test_summaries_are_ordered_and_counted_with_the_names_of_their_versions(site: Site) -> None:
    answer = site.rest.get(
        "mv_text_version_progress_summary",
        params={
            "select": "covered_verses,text_versions!inner(name)",
            "text_versions.name": "neq.Fuller",
            "order": "covered_verses.desc",
            "limit": "1",
        },
        headers={"Prefer": "count=exact"},
    )
    assert answer.json() == [{"covered_verses": 4, "text_versions": {"name": "Begun"}}]
    assert answer.headers["content-range"] == "0-0/3"


def test_columns_that_the_host_adds_later_are_embedded_too(own_site: Site) -> None:
    run = own_site.connection.execute
    run("alter table text_versions add column mistake int")
    run("alter table text_versions add column translator text default 'Somebody'")
    run("alter table text_versions drop column mistake")
    run("notify pgrst, 'reload schema'")
    rows = own_site.get("mv_text_version_progress_summary", select="text_versions(*)")
    assert {row["text_versions"]["translator"] for row in rows} == {"Somebody"}


def test_nobody_who_may_not_read_embeds(own_site: Site) -> None:
    """Functions have the rights of their caller, and are no way round them."""
    own_site.connection.execute("revoke select on mv_text_book_coverage from authenticated")
    asked = {"select": "name,mv_text_book_coverage(book_id)"}
    for role, status in (("authenticated", 403), ("service_role", 200)):
        answer = own_site.rest.get("text_versions", params=asked, headers=token(role))
        assert answer.status_code == status, answer.text
    own_site.connection.execute(
        SQL("revoke execute on function {}({}) from service_role").format(
            Identifier("public", "mv_text_book_coverage"), Identifier("public", "text_versions")
        )
    )
    answer = own_site.rest.get("text_versions", params=asked, headers=token("service_role"))
    assert (answer.status_code, answer.json()["code"]) == (403, "42501")


def _ordered(rows: list[dict[str, Any]]) -> list[str]:
    """Return rows in one order, and those that are embedded too."""
    return sorted(
        json.dumps(
            {
                name: _ordered(value) if isinstance(value, list) else value
                for name, value in row.items()
            },
            sort_keys=True,
        )
        for row in rows
    )
