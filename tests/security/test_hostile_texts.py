"""Text that looks like SQL, markup, patterns or escapes is text: in every column and parameter."""

from typing import Any

import pytest
from psycopg import errors

from security.supabase import Project, acting_as, value

TEXTS = [
    "Robert'); drop table public.verse_texts; --",
    "$$ select pg_sleep(100) $$; $body$",
    "' or '1'='1",
    '"quoted" and ""doubled""',
    "back\\slash \\' \\x00 \\u0000",
    "100% of _all_ %s %(name)s {braces} %I",
    "<script>alert(1)</script>&amp;<!--",
    "line\nbreak\r\ttab\x01\x1f\x7f",
    "\u202eright to left\u2066\ufeff\u0000".replace("\u0000", ""),
    "null",
    '{"json": [1, null]}',
    "{a,NULL,b}",
    "\U0001f4d6 é é ﷽",
]


@pytest.mark.parametrize("text", TEXTS)
def test_it_comes_out_as_it_went_in(project: Project, text: str) -> None:
    run = project.connection.execute
    world = project.world
    world.canon("c" + text, prefix=text)
    run("update bible_versions set name = %s where id = %s", [text, "c" + text])
    run(
        "update books set name = %s, testament = %s where bible_version_id = %s",
        [text, text, "c" + text],
    )
    language = world.language(text)
    run("update language_entities set level = %s where id = %s", [text, language])
    version = world.text_version("c" + text, language, name=text)
    audio = world.audio_version("c" + text, language, name=text)
    world.text(version, [f"{text}gen-1-1"], text=text)
    recording = world.recording(audio, start=f"{text}gen-1-1", end=f"{text}gen-2-1")
    run("update media_files set original_filename = %s", [text])
    world.timings(recording, [f"{text}exod-1-2"])

    for is_drained in (False, True):
        if is_drained:
            project.drain()
        with acting_as(project.connection, "anon"):
            tree = value(project.connection, "select progress_tree('text', %s)", version)
            gaps = value(project.connection, "select progress_gaps('audio', %s)", audio)
            best = value(project.connection, "select progress_best_versions(%s)", language)
            apart = value(
                project.connection,
                "select progress_compare(array['text', 'audio'], %s)",
                [version, audio],
            )
        assert (tree["name"], tree["language"], tree["canon"]) == (text, text, text)
        assert [book["id"] for book in tree["books"]] == [f"{text}gen", f"{text}exod"]
        assert {book["name"] for book in tree["books"]} == {text}
        assert tree["covered_verses"] == 1
        assert {item["book"] for item in gaps["items"]} == {text}
        assert gaps["missing_verses"] == 11 - 5
        assert best["language"]["best_audio"]["name"] == text
        assert [item["name"] for item in apart["items"]] == [text, text]
        stored = value(
            project.connection,
            "select count(*) from mv_text_verse_coverage where text_version_id = %s",
            version,
        )
        assert stored == (1 if is_drained else 0)


def listed(project: Project, search: str) -> set[str]:
    document: Any = value(
        project.connection, "select progress.version_list(p_search => %s)", search
    )
    return {item["name"] for item in document["items"]}


@pytest.mark.parametrize("text", TEXTS)
def test_a_search_finds_the_text_and_no_pattern(project: Project, text: str) -> None:
    project.world.text_version(name=f"before {text} after")
    project.world.text_version(name="nothing of it")
    assert listed(project, text) == {f"before {text} after"}


@pytest.mark.parametrize("text", [*TEXTS, "", "text' --"])
def test_parameters_are_values(project: Project, text: str) -> None:
    version = project.shown["text"]
    with acting_as(project.connection, "anon"):
        assert value(project.connection, "select progress_tree(%s, %s)", text, version) is None
        one = value(
            project.connection, "select progress_tree('text', %s, 'book', %s)", version, text
        )
        assert one["books"] == []
        after = "select progress_gaps('text', %s, 5, %s)"
        project.connection.execute("savepoint before")
        with pytest.raises(errors.DatabaseError) as refused:
            value(project.connection, after, version, text)
        assert (refused.value.sqlstate, text in str(refused.value)) == ("BP002", True)
        project.connection.execute("rollback to savepoint before")
        kinds = "select progress_compare(array['text', %s], array[%s, %s]::uuid[])"
        assert value(project.connection, kinds, text, version, version) is None


@pytest.mark.parametrize("text", TEXTS)
def test_errors_and_reasons_are_kept_as_text(project: Project, text: str) -> None:
    version = project.shown["text"]
    run = project.connection.execute
    run("update progress.settings set environment = 'production', dead_after = '0'")
    run("select progress.guard(%s, false, %s)", [text, text])
    run("delete from verse_texts where text_version_id = %s", [version])
    run("select progress.record_lost_drain('text', %s, %s)", [version, text])
    with acting_as(project.connection, "progress_admin"):
        row = run("select action, reason from progress.overrides()").fetchone()
        assert row == (text, text.strip(" "))
        row = run("select last_error from progress.dead_letters()").fetchone()
        assert row == (text,)
