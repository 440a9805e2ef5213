"""What a host's policies hide stays hidden in the contract, and hides no write from the queue."""

from typing import Any
from uuid import UUID

import pytest

from bible_progress.installing.schema import contract_views
from security.supabase import API_ROLES, Project, acting_as, value
from support.oracle import assert_same

BEST = {name for name in contract_views() if "best" in name}
OF_VERSIONS = sorted(set(contract_views()) - BEST)


def seen(project: Project, relation: str) -> set[UUID]:
    kind = "audio" if "audio" in relation else "text"
    rows = project.connection.execute(f"select distinct {kind}_version_id from {relation}")  # type: ignore[arg-type]
    return {row[0] for row in rows.fetchall()}


@pytest.mark.parametrize("relation", OF_VERSIONS)
def test_a_hidden_version_has_no_row_anywhere(guarded: Project, relation: str) -> None:
    kind = "audio" if "audio" in relation else "text"
    mine, shown = guarded.mine[kind], guarded.shown[kind]
    for role, user, expected in (
        ("anon", None, {shown}),
        ("authenticated", guarded.other, {shown}),
        ("authenticated", guarded.owner, {shown, mine}),
        ("service_role", None, {shown, mine}),
    ):
        with acting_as(guarded.connection, role, user):
            assert seen(guarded, relation) == expected, (role, user)


@pytest.mark.parametrize("relation", sorted(BEST))
def test_the_best_version_is_the_best_that_one_sees(guarded: Project, relation: str) -> None:
    kind = "audio" if "audio" in relation else "text"
    for user, versions in ((guarded.other, guarded.shown), (guarded.owner, guarded.mine)):
        with acting_as(guarded.connection, "authenticated", user):
            assert seen(guarded, relation) == {versions[kind]}


# By a user who may not see the version that is written to, nor any other but those of nobody.
WRITES = {
    "a text": "insert into verse_texts (text_version_id, verse_id, verse_text)"
    " values ('{text}', 'exod-2-1', 'Words.')",
    "no more text": "update verse_texts set deleted_at = now() where text_version_id = '{text}'"
    " and verse_id = 'gen-1-1'",
    "a deleted text": "delete from verse_texts where text_version_id = '{text}'"
    " and verse_id = 'gen-2-1'",
    "a recording": "insert into media_files (audio_version_id, chapter_id, upload_status,"
    " publish_status) values ('{audio}', 'exod-2', 'completed', 'published')",
    "a timing": "insert into media_files_verses (media_file_id, verse_id)"
    " select id, 'exod-2-2' from media_files where audio_version_id = '{audio}'",
    "a shorter recording": "update media_files set end_verse_id = 'gen-1-2'"
    " where audio_version_id = '{audio}'",
    "no more recording": "delete from media_files where audio_version_id = '{audio}'",
    "a longer canon": "insert into verses (id, verse_number, chapter_id)"
    " values ('gen-1-4', 4, 'gen-1')",
    "a shorter canon": "delete from verses where id = 'gen-2-1'",
}


@pytest.mark.parametrize("role", API_ROLES)
@pytest.mark.parametrize("write", WRITES)
def test_every_write_that_policies_allow_works_and_is_counted(
    guarded: Project, role: str, write: str
) -> None:
    """Also where they hide the version itself from the writer."""
    run = guarded.connection.execute
    for table in ("verse_texts", "media_files", "media_files_verses", "verses"):
        run(f"create policy written on {table} to anon, authenticated using (true)")  # type: ignore[arg-type]
    statement = WRITES[write].format(**guarded.mine)
    with acting_as(guarded.connection, role, guarded.other):
        visible = value(
            guarded.connection,
            "select count(*) from text_versions where id = %s",
            guarded.mine["text"],
        )
        assert visible == (1 if role == "service_role" else 0)
        assert run(statement).rowcount == 1  # type: ignore[arg-type]
    kind = "audio" if "media" in statement else "text"
    signalled = run("select distinct kind, version_id from progress_refresh_queue").fetchall()
    assert (kind, guarded.mine[kind]) in signalled
    guarded.drain()
    assert_same(guarded.connection)


def test_who_does_not_see_every_verse_is_told_of_none_that_is_not_there(project: Project) -> None:
    run = project.connection.execute
    run("drop policy shown on verses")
    run("create policy shown on verses for select using (verse_number > 1)")
    for kind in ("text", "audio"):
        with acting_as(project.connection, "anon"):
            stored, live = (
                set(run(f"select * from {name}_verse_coverage").fetchall())  # type: ignore[arg-type]
                for name in (f"mv_{kind}", kind)
            )
        assert stored <= live


def test_a_write_that_policies_refuse_leaves_no_signal(guarded: Project) -> None:
    before: Any = value(guarded.connection, "select count(*) from progress_refresh_queue")
    with acting_as(guarded.connection, "authenticated", guarded.other):
        for statement in (
            "update verse_texts set verse_text = ''",
            "delete from media_files",
            "update text_versions set deleted_at = now()",
        ):
            assert guarded.connection.execute(statement).rowcount == 0
    assert value(guarded.connection, "select count(*) from progress_refresh_queue") == before
