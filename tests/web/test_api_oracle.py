"""What the API says of random worlds is what a recount of the base tables says."""

import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from psycopg import Connection

from bible_progress.reading import documents as d
from oracle import edits
from support.builders import World
from support.oracle import drain
from support.recount import Recount, recount

V1 = "/api/v1"


def get(api: httpx.Client, path: str, shape: type[Any], **query: Any) -> Any:
    answer = api.get(V1 + path, params=query)
    assert answer.status_code == 200, answer.text
    return shape.model_validate_json(answer.content)


def percent(covered: int, total: int) -> int | None:
    return covered * 100 // total if total else None


def status(covered: int, total: int) -> str:
    return "not started" if not covered else "complete" if covered == total else "in progress"


def numbers_of(version: Any) -> tuple[int, ...]:
    return (
        version.covered_verses,
        version.total_verses,
        version.chapters_with_any,
        version.complete_chapters,
        version.total_chapters,
        version.books_complete,
        version.total_books,
    )


def assert_exact(api: httpx.Client, connection: Connection[Any], **query: Any) -> Recount:
    """Assert that every document says what the base tables do."""
    truth = recount(connection)
    listed = get(api, "/versions", d.VersionList, limit=200, **query)
    assert {(v.kind, v.id): numbers_of(v) for v in listed.items} == truth.versions
    assert {(v.kind, v.language_entity_id): v.id for v in listed.items if v.is_best} == truth.best
    for kind, version in truth.versions:
        path = f"/versions/{kind}/{version}"
        tree = get(api, f"{path}/tree", d.Tree, **query)
        assert numbers_of(tree) == truth.versions[kind, version]
        assert tree.percent == percent(tree.covered_verses, tree.total_verses)
        books = {
            b.id: (
                b.covered_verses,
                b.total_verses,
                b.chapters_with_any,
                b.complete_chapters,
                b.total_chapters,
            )
            for b in tree.books
        }
        assert books == truth.books[kind, version]
        chapters = [c for b in tree.books for c in b.chapters]
        counted = {c.id: (c.covered_verses, c.total_verses) for c in chapters}
        assert counted == truth.chapters[kind, version]
        assert all(c.status == status(c.covered_verses, c.total_verses) for c in chapters)
        summaries = get(api, f"{path}/chapters", d.ChapterList, **query).items
        assert {c.id: (c.covered_verses, c.total_verses) for c in summaries} == counted
        verses: set[str] = set()
        for chapter in chapters:
            detail = get(api, f"{path}/chapters/{chapter.id}", d.ChapterDetail, **query)
            verses |= {v.id for v in detail.verses if v.is_covered}
        assert verses == truth.verses[kind, version]
        gaps = get(api, f"{path}/gaps", d.GapList, limit=1500, **query)
        assert gaps.missing_verses == sum(g.missing_verses for g in gaps.items)
        assert gaps.missing_verses == tree.total_verses - tree.covered_verses
        begun = [g for g in gaps.items if counted[g.chapter_id][0]]
        assert gaps.next == next(iter(gaps.upcoming), None)
        assert gaps.upcoming[: len(begun)] == begun[:5]
        assert len(gaps.upcoming) == min(5, len(gaps.items))
        assert all(g in gaps.items for g in gaps.upcoming)
        assert {g.chapter_id: g.missing_verses for g in gaps.items} == {
            id_: total - covered for id_, (covered, total) in counted.items() if covered < total
        }
        if gaps.next_cursor is None and len(gaps.items) > 1:
            after = {"cursor": gaps.items[0].chapter_id, "limit": 1}
            second = get(api, f"{path}/gaps", d.GapList, **after, **query)
            assert (second.next, second.items) == (gaps.next, [gaps.items[1]])
        assert tree.testaments == [] or sum(t.covered_verses for t in tree.testaments) == (
            tree.covered_verses
        )
    return truth


@pytest.mark.parametrize("seed", range(4))
def test_every_document_is_exact_before_and_after_the_drain(
    api: httpx.Client, connect: Callable[..., Connection[Any]], seed: int
) -> None:
    connection = connect()
    edits.start(connection)
    chance = random.Random(seed)
    for _ in range(40):
        connection.execute(
            "insert into verse_texts (text_version_id, verse_id, verse_text)"
            " select %s, v.id, %s from verses v where v.id = %s on conflict do nothing",
            [
                chance.choice(edits.TEXTS[:2]),
                chance.choice(["x", "x", " "]),
                chance.choice(edits.VERSES),
            ],
        )
        connection.execute(
            "insert into media_files (audio_version_id, chapter_id, upload_status, publish_status,"
            " duration_seconds) values (%s, %s, 'completed', %s, 10)",
            [
                chance.choice(edits.AUDIOS[:2]),
                chance.choice(edits.CHAPTERS),
                chance.choice(["published", "pending"]),
            ],
        )
    assert_exact(api, connection)
    drain(connection)
    truth = assert_exact(api, connection)
    assert truth.best
    assert_exact(api, connection, consistency="stored")
    connection.execute(
        "delete from verse_texts where id in (select id from verse_texts order by random() limit 9)"
    )
    connection.execute("update media_files set deleted_at = now() where id::text < '8'")
    assert_exact(api, connection)


def test_files_and_durations_are_counted_where_recordings_begin(
    api: httpx.Client, library: Any
) -> None:
    library.canon()
    version = library.audio_version()
    run = library.connection.execute
    for chapter, start, end in (
        ("gen-1", None, None),
        (None, "gen-1-2", "gen-2-1"),
        ("exod-2", "gen-2-1", None),
        (None, None, None),
    ):
        library.recording(version, chapter=chapter, start=start, end=end)
    library.recording(version, chapter="gen-1", publish="pending")
    run("update media_files set duration_seconds = 2.5")
    tree = get(api, f"/versions/audio/{version}/tree", d.Tree)
    assert (tree.files, tree.duration_seconds) == (4, 10)
    assert {b.id: (b.files, b.duration_seconds) for b in tree.books} == {
        "gen": (3, 7.5),
        "exod": (0, 0),
    }
    chapters = {c.id: c.files for b in tree.books for c in b.chapters}
    assert chapters == {"gen-1": 2, "gen-2": 1, "exod-1": 0, "exod-2": 0}


def test_the_best_version_has_its_reason_and_descendants_on_request(
    api: httpx.Client, library: Any
) -> None:
    library.canon()
    parent = library.language("Parent")
    child = library.language("Dialect")
    run = library.connection.execute
    run("update language_entities set parent_id = %s where id = %s", [parent, child])
    one = library.text_version(language=parent)
    assert get(api, f"/languages/{parent}", d.LanguageDetail).language.best_text is None
    library.text(one, ["gen-1-1"])
    best = get(api, f"/languages/{parent}", d.LanguageDetail).language.best_text
    assert (best.id, best.reason) == (one, "the only version that covers anything")
    newer = library.text_version(language=parent)
    library.text(newer, ["gen-1-2"])
    best = get(api, f"/languages/{parent}", d.LanguageDetail).language.best_text
    assert (best.id, best.reason) == (newer, "as much as others, and the newest")
    fuller = library.text_version(language=child)
    library.text(fuller, ["gen-1-1", "gen-1-2"])
    found = get(api, f"/languages/{parent}", d.LanguageDetail, descendants=True).language
    assert (found.best_text.id, found.best_text.reason) == (fuller, "covers most verses")
    assert (found.text_versions, found.best_text.versions) == (3, 3)
    shares = found.best_text.testaments
    assert sum(t.covered_verses for t in shares) == found.best_text.covered_verses
    assert sum(t.total_verses for t in shares) == found.best_text.total_verses
    # The same share of verses; a complete chapter decides.
    run("update text_versions set created_at = 'epoch' where id = %s", [one])
    library.text(one, ["gen-2-1"])
    library.text(newer, ["gen-2-1"])
    run(
        "update verse_texts set verse_id = 'gen-2-2' where verse_id = 'gen-1-1'"
        " and text_version_id = %s",
        [one],
    )
    best = get(api, f"/languages/{parent}", d.LanguageDetail).language.best_text
    assert (best.id, best.reason) == (one, "covers the largest share of its chapters")
    listed = get(api, "/languages", d.LanguageList, q="DIAL")
    assert [(lang.name, lang.parent) for lang in listed.items] == [("Dialect", "Parent")]


@pytest.mark.parametrize("kind", ["text", "audio"])
def test_what_was_loaded_past_the_triggers_is_there_and_pending(
    api: httpx.Client, connect: Callable[..., Connection[Any]], kind: str
) -> None:
    session = connect()
    world = World(session)
    world.canon()
    session.execute("set session_replication_role = replica")
    language = world.language()
    if kind == "text":
        version = world.text_version(language=language)
        world.text(version, ["gen-1-1"])
    else:
        version = world.audio_version(language=language)
        world.recording(version, start="gen-1-1")
    path = f"/versions/{kind}/{version}"
    for part in ("", "/tree", "/books", "/chapters", "/gaps"):
        answer = api.get(V1 + path + part)
        assert (answer.status_code, answer.json()["pending"]) == (200, True), part
    assert get(api, f"{path}/tree", d.Tree).covered_verses == 1
    for query in ({}, {"sort": "-covered"}, {"status": "in progress"}):
        listed = get(api, "/versions", d.VersionList, **query)
        assert (listed.pending, [item.pending for item in listed.items]) == (True, [True])
    [entry] = get(api, "/languages", d.LanguageList).items
    best = entry.best_text if kind == "text" else entry.best_audio
    assert best is not None
    assert best.id == version
    drain(session)
    session.execute("call progress.drain()")
    assert get(api, f"{path}/tree", d.Tree).pending is False
