"""progress_tree, progress_gaps, progress_compare, progress_best_versions under row security."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import errors

from security.supabase import Project, acting_as, value

KINDS = ("text", "audio")


def tree(project: Project, kind: str, version: UUID, *more: object) -> Any:
    marks = ", ".join(["%s"] * len(more))
    return value(
        project.connection,
        f"select progress_tree(%s, %s{', ' + marks if marks else ''})",
        kind,
        version,
        *more,
    )


def gaps(project: Project, kind: str, version: UUID, **named: object) -> Any:
    more = "".join(f", {name} => %s" for name in named)
    return value(
        project.connection, f"select progress_gaps(%s, %s{more})", kind, version, *named.values()
    )


def compare(project: Project, *versions: tuple[str, UUID]) -> Any:
    return value(
        project.connection,
        "select progress_compare(%s, %s)",
        [kind for kind, _ in versions],
        [id_ for _, id_ in versions],
    )


def best(project: Project, language: UUID, descendants: bool = False) -> Any:
    return value(project.connection, "select progress_best_versions(%s, %s)", language, descendants)


def make_dirty(project: Project) -> None:
    """Change what every version covers, and leave it to be drained."""
    project.connection.execute("delete from verse_texts where verse_id in ('gen-1-1', 'gen-1-2')")
    project.connection.execute("delete from media_files_verses")
    project.connection.execute(
        "update media_files set end_verse_id = 'gen-2-1' where end_verse_id is not null"
    )


@pytest.mark.parametrize("is_dirty", [False, True], ids=["clean", "dirty"])
def test_numbers_are_exact_and_of_the_whole_version(guarded: Project, is_dirty: bool) -> None:
    """Those that the makers of a version see are those of all texts and recordings of it."""
    if is_dirty:
        make_dirty(guarded)
    run = guarded.connection.execute
    # Content that its policies hide from everybody counts all the same.
    for table in ("verse_texts", "media_files", "media_files_verses", "verses", "chapters"):
        run(f"drop policy shown on {table}")  # type: ignore[arg-type]
    for kind in KINDS:
        version = guarded.mine[kind]
        counted = run(
            f"select covered_verses, total_verses, books_complete from"  # type: ignore[arg-type]
            f" {kind}_version_progress_summary where {kind}_version_id = %s",
            [version],
        ).fetchone()
        with acting_as(guarded.connection, "authenticated", guarded.owner):
            document = tree(guarded, kind, version)
            missing = gaps(guarded, kind, version)
            apart = compare(guarded, (kind, version), (kind, guarded.shown[kind]))
        assert document["pending"] is is_dirty
        numbers = ("covered_verses", "total_verses", "books_complete")
        assert tuple(document[name] for name in numbers) == counted
        assert document["covered_verses"] > 0
        assert sum(b["covered_verses"] for b in document["books"]) == document["covered_verses"]
        lacking = document["total_verses"] - document["covered_verses"]
        assert missing["missing_verses"] == lacking
        assert sum(item["missing_verses"] for item in missing["items"]) == lacking
        assert [item["id"] for item in apart["items"]] == [
            str(version),
            str(guarded.shown[kind]),
        ]


@pytest.mark.parametrize("is_dirty", [False, True], ids=["clean", "dirty"])
def test_a_hidden_version_is_as_absent_as_one_that_never_was(
    guarded: Project, is_dirty: bool
) -> None:
    if is_dirty:
        make_dirty(guarded)
    with acting_as(guarded.connection, "authenticated", guarded.other):
        for kind in KINDS:
            hidden, shown = guarded.mine[kind], guarded.shown[kind]
            for absent in (hidden, uuid4()):
                assert tree(guarded, kind, absent) is None
                assert gaps(guarded, kind, absent) is None
                assert compare(guarded, (kind, shown), (kind, absent)) is None
                assert compare(guarded, (kind, absent), (kind, absent)) is None
            assert tree(guarded, kind, shown)["name"].startswith("Shown")
    with acting_as(guarded.connection, "authenticated", guarded.owner):
        for kind in KINDS:
            assert tree(guarded, kind, guarded.mine[kind])["name"].startswith("My")


def test_a_hidden_version_of_another_canon_is_not_told_from_none(guarded: Project) -> None:
    """An error about canons would say that it is there."""
    guarded.world.canon("vul", prefix="v-")
    hidden = guarded.world.text_version("vul", guarded.language)
    guarded.connection.execute(
        "update text_versions set created_by = %s where id = %s", [guarded.owner, hidden]
    )
    with acting_as(guarded.connection, "authenticated", guarded.other):
        assert compare(guarded, ("text", guarded.shown["text"]), ("text", hidden)) is None
    with (
        pytest.raises(errors.DatabaseError, match="different canons") as refused,
        acting_as(guarded.connection, "authenticated", guarded.owner),
    ):
        compare(guarded, ("text", guarded.shown["text"]), ("text", hidden))
    assert refused.value.sqlstate == "BP002"


def test_colleagues_see_what_their_organisation_made(guarded: Project) -> None:
    by_organisation = "membership" in value(
        guarded.connection,
        "select qual from pg_policies where tablename = 'text_versions' and policyname = 'shown'",
    )
    with acting_as(guarded.connection, "authenticated", guarded.colleague):
        seen = tree(guarded, "text", guarded.mine["text"])
    assert (seen is not None) is by_organisation


@pytest.mark.parametrize("is_dirty", [False, True], ids=["clean", "dirty"])
def test_the_best_version_is_the_best_of_those_that_one_sees(
    guarded: Project, is_dirty: bool
) -> None:
    if is_dirty:
        make_dirty(guarded)
    for user, versions, count in (
        (guarded.owner, guarded.mine, 2),
        (guarded.other, guarded.shown, 1),
        (None, guarded.shown, 1),
    ):
        role = "authenticated" if user else "anon"
        with acting_as(guarded.connection, role, user):
            language = best(guarded, guarded.language)["language"]
            for kind in KINDS:
                assert language[f"best_{kind}"]["id"] == str(versions[kind])
                assert language[f"best_{kind}"]["versions"] == count
                assert language[f"{kind}_versions"] == count
                assert tree(guarded, kind, versions[kind])["is_best"] is True
                assert tree(guarded, kind, guarded.shown[kind])["is_best"] is (count == 1)


def test_service_role_sees_every_version(guarded: Project) -> None:
    with acting_as(guarded.connection, "service_role"):
        for kind in KINDS:
            assert tree(guarded, kind, guarded.mine[kind])["is_best"] is True
        assert best(guarded, guarded.language)["language"]["text_versions"] == 2


def hide(project: Project, table: str, which: str) -> None:
    """Hide some rows of a table from API roles."""
    project.connection.execute(f"drop policy shown on {table}")  # type: ignore[arg-type]
    project.connection.execute(
        f"create policy shown on {table} for select using (not ({which}))"  # type: ignore[arg-type]
    )


def test_names_that_row_security_hides_are_not_told(project: Project) -> None:
    hide(project, "books", "id = 'exod'")
    hide(project, "language_entities", "name in ('Kanite', 'Upper Kanite')")
    hide(project, "bible_versions", "true")
    project.connection.execute("update books set name = 'Hidden Book' where id = 'exod'")
    project.connection.execute("update bible_versions set name = 'Hidden Canon'")
    both = (("text", project.shown["text"]), ("audio", project.shown["audio"]))
    with acting_as(project.connection, "anon"):
        document = tree(project, *both[0])
        missing = gaps(project, *both[0])
        apart = compare(project, *both)
        assert best(project, project.language) is None
    told = json.dumps([document, missing, apart])
    for hidden in ("Hidden", "exod", "Kanite", "My "):
        assert hidden not in told
    assert document["language"] is None
    assert document["canon"] is None
    assert document["is_best"] is True
    # What is hidden is left out of lists; the sums are of the whole version.
    assert [b["id"] for b in document["books"]] == ["gen"]
    assert document["total_verses"] == 11
    assert missing["missing_verses"] == 9


def test_hidden_languages_around_one_are_not_told(project: Project) -> None:
    world = project.world
    hidden = world.language("Hidden dialect")
    below = world.language("Below the hidden one")
    for child, parent in ((hidden, project.language), (below, hidden)):
        project.connection.execute(
            "update language_entities set parent_id = %s where id = %s", [parent, child]
        )
    for language, name in ((project.dialect, "Seen"), (hidden, "Not"), (below, "Not either")):
        version = world.text_version("eng", language, name=name)
        world.text(version, ["gen-1-1", "gen-1-2", "gen-1-3", "gen-2-1", "gen-2-2"])
    hide(project, "language_entities", "name = 'Hidden dialect'")
    with acting_as(project.connection, "anon"):
        language = best(project, project.language, True)["language"]
        assert language["children"] == 1
        assert language["text_versions"] == 2
        assert language["best_text"]["name"] == "Seen"
        child = best(project, below)["language"]
        assert (child["parent_id"], child["parent"]) == (str(hidden), None)
        assert best(project, hidden) is None
    assert best(project, project.language, True)["language"]["text_versions"] == 5


def test_gaps_go_on_where_the_last_page_ended(project: Project) -> None:
    version = project.shown["text"]
    with acting_as(project.connection, "anon"):
        whole = gaps(project, "text", version)
        first = gaps(project, "text", version, max_chapters=1)
        rest = gaps(project, "text", version, after_chapter_id=first["next_cursor"])
    assert first["items"] + rest["items"] == whole["items"]
    assert (whole["next_cursor"], rest["next_cursor"]) == (None, None)
    assert whole["next"] == rest["next"] == whole["items"][0]
    assert len(whole["items"]) == 4


@pytest.mark.parametrize("place", ["nowhere", "of another canon", "of a hidden book"])
def test_gaps_go_on_behind_a_chapter_that_is_there_only(project: Project, place: str) -> None:
    project.world.canon("vul", prefix="vul-")
    after = {"nowhere": "gen-99", "of another canon": "vul-gen-1", "of a hidden book": "exod-1"}
    hide(project, "books", "id = 'exod'")
    with pytest.raises(errors.DatabaseError) as refused, acting_as(project.connection, "anon"):
        gaps(project, "text", project.shown["text"], after_chapter_id=after[place])
    assert refused.value.sqlstate == "BP002"


def test_arrays_of_other_shapes_compare_the_same(project: Project) -> None:
    one, other = project.shown["text"], project.shown["audio"]
    with acting_as(project.connection, "anon"):
        plain = compare(project, ("text", one), ("audio", other))
        nested = value(
            project.connection,
            "select progress_compare('{{text,audio}}', array[array[%s, %s]]::uuid[])",
            one,
            other,
        )
        shifted = value(
            project.connection,
            "select progress_compare('[0:1]={text,audio}', array[%s, %s]::uuid[])",
            one,
            other,
        )
    assert plain["items"] == nested["items"] == shifted["items"]
    assert any(item["lacking_verses"] for item in plain["items"])


@pytest.mark.parametrize(
    "call",
    [
        "progress_tree('text', gen_random_uuid(), 'verse')",
        "progress_tree('text', gen_random_uuid(), null)",
        "progress_compare('{text,text}', array_fill(gen_random_uuid(), '{9}'))",
        "progress_gaps('text', gen_random_uuid(), 0)",
        "progress_gaps('text', gen_random_uuid(), 1501)",
        "progress_gaps('text', gen_random_uuid(), null)",
        "progress_compare('{text}', array[gen_random_uuid()])",
        "progress_compare(array_fill('text'::text, '{9}'), array_fill(gen_random_uuid(), '{9}'))",
        "progress_compare(null, null)",
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(project: Project, call: str) -> None:
    with pytest.raises(errors.DatabaseError) as refused, acting_as(project.connection, "anon"):
        project.connection.execute(f"select {call}")  # type: ignore[arg-type]
    assert refused.value.sqlstate == "BP002"


@pytest.mark.parametrize(
    "call",
    [
        "progress_tree('films', gen_random_uuid())",
        "progress_tree(null, null)",
        "progress_gaps(null, null)",
        "progress_compare('{text,text}', '{null,null}')",
        "progress_compare('{text,text}', '{}')",
        "progress_compare('{null,text}', array[gen_random_uuid(), gen_random_uuid()])",
        "progress_best_versions(null)",
        "progress_best_versions(gen_random_uuid(), null)",
    ],
)
def test_what_is_not_there_is_null(project: Project, call: str) -> None:
    with acting_as(project.connection, "anon"):
        assert value(project.connection, f"select {call}") is None


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("text_versions", "name"),
        ("audio_versions", "created_at"),
        ("language_entities", "level"),
        ("bible_versions", "name"),
        ("books", "testament"),
    ],
)
def test_a_column_that_a_role_may_not_read_is_not_told(
    project: Project, table: str, column: str
) -> None:
    run = project.connection.execute
    others = value(
        project.connection,
        "select string_agg(quote_ident(attname), ', ') from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped and attname <> %s",
        table,
        column,
    )
    run(f"revoke all on {table} from anon")  # type: ignore[arg-type]
    run(f"grant select ({others}) on {table} to anon")
    for ask in (
        lambda: tree(project, "text", project.shown["text"]),
        lambda: best(project, project.language),
    ):
        with (
            pytest.raises(errors.InsufficientPrivilege, match=f"for table {table}"),
            acting_as(project.connection, "anon"),
        ):
            ask()
