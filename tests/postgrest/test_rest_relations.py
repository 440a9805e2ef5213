"""Clients of PostgREST read the contract by its fixed names, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bible_progress.installing.schema import CONTRACT_TABLES, contract_views
from postgrest.rest import token
from postgrest.site import Site

RELATIONS = contract_views()


def key(relation: str) -> str:
    """Return the column that says of which version a row is."""
    return "audio_version_id" if "audio" in relation else "text_version_id"


def stored(site: Site, relation: str, where: str = "true") -> list[dict[str, Any]]:
    """Return what the relation holds, the hidden versions left out, in one order."""
    rows = site.connection.execute(
        f"select to_json(r) from {relation} r where ({where})"
        f" and {key(relation)} <> all (array(select id from text_versions where name like 'Hidden %'"
        " union all select id from audio_versions where name like 'Hidden %'))"
    ).fetchall()
    return ordered([row for (row,) in rows])


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def version_of(site: Site, relation: str) -> str:
    return str(site.versions["Recorded" if "audio" in relation else "Fuller"])


@pytest.fixture(params=RELATIONS)
def relation(request: pytest.FixtureRequest) -> str:
    return request.param


def is_best(relation: str) -> bool:
    return "language_entity" in relation


def test_everything_that_is_not_hidden_is_read(site: Site, relation: str) -> None:
    if is_best(relation):
        [(language, version)] = [
            tuple(row.values())
            for row in site.get(relation, language_entity_id=f"eq.{site.languages['English']}")
        ]
        # The hidden version is the best of all, but not for those who cannot see it.
        assert (language, version) == (str(site.languages["English"]), version_of(site, relation))
    else:
        assert ordered(site.get(relation)) == stored(site, relation) != []


def test_one_version_is_found_by_eq_and_several_by_in(site: Site, relation: str) -> None:
    column, version = key(relation), version_of(site, relation)
    rows = site.get(relation)
    one = [row for row in rows if row[column] == version]
    assert ordered(site.get(relation, **{column: f"eq.{version}"})) == ordered(one) != []
    others = {row[column] for row in rows} - {version}
    assert others
    both = f"in.({','.join([version, *others])})"
    assert ordered(site.get(relation, **{column: both})) == ordered(rows)
    rest = f"not.in.({version})"
    assert ordered(site.get(relation, **{column: rest, "limit": "999"})) == ordered(
        [row for row in rows if row[column] != version]
    )


@pytest.mark.parametrize("prefix", ["", "mv_"])
@pytest.mark.parametrize("level", ["chapter", "book"])
@pytest.mark.parametrize("kind", ["audio", "text"])
@pytest.mark.parametrize("wanted", ["true", "false"])
def test_complete_ones_are_found_by_is(
    site: Site, kind: str, level: str, prefix: str, wanted: str
) -> None:
    relation = f"{prefix}{kind}_{level}_coverage"
    rows = site.get(relation, is_complete=f"is.{wanted}")
    assert ordered(rows) == stored(site, relation, f"is_complete is {wanted}")
    assert rows or (level, wanted) == ("book", "true")


@pytest.mark.parametrize("prefix", ["", "mv_"])
@pytest.mark.parametrize("kind", ["audio", "text"])
def test_versions_are_found_by_how_much_they_have(site: Site, kind: str, prefix: str) -> None:
    relation = f"{prefix}{kind}_version_progress_summary"
    rows = site.get(
        relation, verse_fraction="gt.0.3", order="covered_verses.desc", select="covered_verses"
    )
    assert rows == [{"covered_verses": n} for n in ([6] if kind == "audio" else [5, 4])]


def test_a_page_is_part_of_the_whole_and_tells_how_many_there_are(
    site: Site, relation: str
) -> None:
    order = ",".join(site.get(relation, limit="1")[0])
    whole = site.get(relation, order=order)
    paged: list[Any] = []
    for offset in range(0, len(whole), 2):
        answer = site.rest.get(
            relation,
            params={"order": order, "limit": "2", "offset": str(offset)},
            headers={"Prefer": "count=exact"},
        )
        assert answer.headers["content-range"].endswith(f"/{len(whole)}")
        paged += answer.json()
    assert paged == whole


def test_columns_are_chosen_and_renamed(site: Site, relation: str) -> None:
    column = key(relation)
    rows = site.get(relation, select=f"version:{column}")
    assert {tuple(row) for row in rows} == {("version",)}
    assert ordered(rows) == ordered([{"version": row[column]} for row in site.get(relation)])


def test_the_owner_of_a_hidden_version_sees_it_and_others_do_not(site: Site, relation: str) -> None:
    hidden = str(site.versions["Hidden recording" if "audio" in relation else "Hidden text"])
    params = {key(relation): f"eq.{hidden}"}
    assert site.get(relation, headers=site.as_owner(), **params)
    for headers in (None, token("authenticated", sub=str(site.languages["English"]))):
        assert site.get(relation, headers=headers, **params) == []


def test_a_deleted_version_is_not_there(site: Site, relation: str) -> None:
    versions = {row[key(relation)] for row in site.get(relation, headers=token("service_role"))}
    assert versions
    assert str(site.versions["Deleted"]) not in versions


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_no_client_writes_to_a_relation(site: Site, relation: str, role: str) -> None:
    headers = {} if role == "anon" else token(role)
    row = site.get(relation, limit="1")[0]
    here = {key(relation): f"eq.{row[key(relation)]}"}
    answers = [
        site.rest.post(relation, json=row, headers=headers),
        site.rest.patch(relation, params=here, json=row, headers=headers),
        site.rest.delete(relation, params=here, headers=headers),
    ]
    # A view that cannot be written to at all says so before rights are asked.
    assert {answer.json()["code"] for answer in answers} <= {"42501", "55000", "0A000"}
    assert min(answer.status_code for answer in answers) >= 400


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
@pytest.mark.parametrize("table", CONTRACT_TABLES)
def test_no_client_reads_queue_or_dead_letters(site: Site, table: str, role: str) -> None:
    headers = {} if role == "anon" else token(role)
    for answer in (
        site.rest.get(table, headers=headers),
        site.rest.post(table, json={}, headers=headers),
        site.rest.delete(table, params={"kind": "eq.text"}, headers=headers),
    ):
        assert answer.status_code == (401 if role == "anon" else 403), answer.text
        assert answer.json()["code"] == "42501"


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_the_inside_is_out_of_reach(site: Site, role: str) -> None:
    headers = {} if role == "anon" else token(role)
    inside = {"Accept-Profile": "progress", "Content-Profile": "progress"}
    for name in ("version_rollup", "chapter_bitmap", "settings", "dirty"):
        assert site.rest.get(name, headers=headers).status_code == 404
        assert site.rest.get(name, headers=headers | inside).status_code == 406
    for name in ("drain_version", "tree", "exact_version", "signal_all"):
        assert site.rest.post(f"rpc/{name}", json={}, headers=headers).status_code == 404
        call = site.rest.post(f"rpc/{name}", json={}, headers=headers | inside)
        assert call.status_code == 406


def test_a_write_of_a_client_is_signalled_and_drained(own_site: Site) -> None:
    """Under row security, by a role that reads nothing of the queue that it writes to."""
    params = {"text_version_id": f"eq.{own_site.versions['Begun']}", "select": "covered_verses"}
    text = {"text_version_id": str(own_site.versions["Begun"]), "verse_id": "gen-2-1"}
    answer = own_site.rest.post(
        "verse_texts", json=text | {"verse_text": "Words."}, headers=token("authenticated")
    )
    assert answer.status_code == 201, answer.text
    stored_view, live_view = "mv_text_version_progress_summary", "text_version_progress_summary"
    assert own_site.get(stored_view, **params) == [{"covered_verses": 4}]
    assert own_site.get(live_view, **params) == [{"covered_verses": 5}]
    own_site.drain()
    assert own_site.get(stored_view, **params) == [{"covered_verses": 5}]
