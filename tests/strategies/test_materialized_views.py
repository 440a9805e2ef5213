"""Strategy matview: failures, views that are not filled, and what a refresh costs others."""

from __future__ import annotations

from uuid import uuid4

import pytest

from acceptance.installation import Installation
from bible_progress.rollout import moves as rollout
from support import oracle

STORED_BEST = "mv_language_entity_best_{}_version"


@pytest.fixture
def site(site: Installation) -> Installation:
    rollout.move(site.connection, 4)
    site.drain()
    return site


def spoil(site: Installation) -> None:
    """Let every refresh of texts fail."""
    site.run(
        "create function spoil() returns trigger language plpgsql as"
        " $f$ begin raise exception 'spoiled'; end $f$"
    )
    site.run(
        "create trigger spoil before insert or update on progress.version_history"
        " for each row when (new.kind = 'text') execute function spoil()"
    )


def due(site: Installation) -> list[str]:
    return sorted(k for (k,) in site.rows("select kind from progress.due_versions(100)"))


def drain_one(site: Installation, kind: str) -> str:
    version = site.value(
        "select version_id from progress_refresh_queue where kind = %s limit 1", kind
    )
    return site.value("select outcome from progress.drain_version(%s, %s)", kind, version)


def dirty_all(site: Installation) -> None:
    site.run("update verse_texts set verse_text = ''")
    site.run("update media_files set publish_status = 'archived'")


def test_one_drain_refreshes_all_that_waits_of_its_kind_and_nothing_else(
    site: Installation,
) -> None:
    dirty_all(site)
    assert drain_one(site, "text") == "drained"
    assert set(site.rows("select distinct kind from progress_refresh_queue")) == {("audio",)}
    with oracle.snapshot(site.connection) as connection:
        oracle.assert_promises(connection)
        assert {kind for kind, *_ in oracle.differences(connection, clean_only=False)} == {"audio"}


def test_a_refresh_that_fails_delays_its_kind_only_and_dies_in_the_end(
    site: Installation,
) -> None:
    site.run("update progress.settings set backoff_base = '1 h', backoff_cap = '9 h'")
    spoil(site)
    dirty_all(site)
    waiting = site.value(
        "select count(distinct version_id) from progress_refresh_queue where kind = 'text'"
    )
    assert waiting > 1
    assert drain_one(site, "text") == "failed"
    assert site.value("select count(distinct next_attempt_at) from progress.failure") == 1
    assert site.value("select count(*) from progress.failure") == waiting
    # Another version's change does not wake a kind that backs off.
    site.run(
        "insert into progress_refresh_queue (kind, version_id) values ('text', gen_random_uuid())"
    )
    assert set(due(site)) == {"audio"}
    with oracle.snapshot(site.connection) as connection:
        oracle.assert_promises(connection)

    # Those that have failed for a day; the one that came later is tried on.
    site.run("update progress.failure set fault_since = fault_since - '1 day'::interval")
    assert drain_one(site, "text") == "dead"
    assert (
        site.value("select count(distinct version_id) from progress_refresh_dead_letter") == waiting
    )
    with oracle.snapshot(site.connection) as connection:
        oracle.assert_promises(connection)

    site.run("drop function spoil() cascade")
    site.run("delete from progress.failure")
    site.value("select progress.retry_dead_letters(null)")
    site.drain()
    assert site.dead() == 0
    with oracle.snapshot(site.connection) as connection:
        oracle.assert_same(connection)


def listing(site: Installation, sort: str) -> list[dict[str, object]]:
    document = site.value("select progress.version_list(p_sort => %s)", sort)
    return [item | {"pending": None} for item in document["items"]]


@pytest.mark.parametrize("level", ["verse", "chapter", "book", "version", "language"])
def test_a_level_that_is_not_filled_is_read_live_until_a_drain_fills_it(
    site: Installation, level: str
) -> None:
    name = site.value(
        "select stored from progress.levels where kind = 'text' and level = %s", level
    )
    listed = [listing(site, sort) for sort in ("name", "percent")]
    site.run(f"refresh materialized view {name} with no data")
    assert oracle.inexact(site.connection) == []
    assert [listing(site, sort) for sort in ("name", "percent")] == listed
    dirty = site.rows("select distinct kind from progress.dirty order by kind")
    assert dirty == [("audio",), ("text",)]
    site.value("select progress.signal_all('text')")
    site.drain()
    assert site.rows("select from progress.dirty") == []
    with oracle.snapshot(site.connection) as connection:
        oracle.assert_same(connection)


CONTENT = {
    "text": "insert into verse_texts (text_version_id, verse_id, verse_text)"
    " select %(other)s, verse_id, verse_text from verse_texts where text_version_id = %(best)s"
    " and deleted_at is null",
    "audio": "insert into media_files (audio_version_id, chapter_id, upload_status, publish_status)"
    " select v.id, c.id, 'completed', 'published' from audio_versions v"
    " join books b using (bible_version_id) join chapters c on c.book_id = b.id"
    " where v.id in (%(best)s, %(other)s)",
}
DECIDES = {
    "language": "language_entity_id = (select id from language_entities"
    " where id <> language_entity_id limit 1)",
    "date": "created_at = created_at - interval '2 days'",
    "deletion": "deleted_at = now()",
}


@pytest.mark.parametrize("kind", CONTENT)
@pytest.mark.parametrize("change", DECIDES)
def test_what_decides_which_version_is_best_is_signalled(
    site: Installation, kind: str, change: str
) -> None:
    best, other = site.value(f"select {kind}_version_id from {STORED_BEST.format(kind)}"), uuid4()
    of = {"best": best, "other": other}
    # An equal that is older: better as soon as the best is elsewhere, gone, or older still.
    site.connection.execute(
        f"insert into {kind}_versions (id, language_entity_id, bible_version_id, name, created_at)"  # type: ignore[arg-type]
        " select %(other)s, language_entity_id, bible_version_id, 'An equal',"
        f" created_at - interval '1 day' from {kind}_versions where id = %(best)s",
        of,
    )
    site.connection.execute(CONTENT[kind], of)  # type: ignore[arg-type]
    site.drain()
    site.run(f"update {kind}_versions set {DECIDES[change]} where id = %s", best)
    with oracle.snapshot(site.connection) as connection:
        oracle.assert_promises(connection)
    site.drain()
    assert (other,) in site.rows(f"select {kind}_version_id from {STORED_BEST.format(kind)}")
    with oracle.snapshot(site.connection) as connection:
        oracle.assert_same(connection)


def test_a_day_of_history_is_kept_for_versions_that_changed(site: Installation) -> None:
    site.run("delete from progress.version_history")
    site.run("update verse_texts set verse_text = '' where verse_id = 'gen-1-1'")
    site.drain()
    wrong = site.rows(
        "select h.version_id from progress.version_history h join progress.stored_versions s"
        " using (kind, version_id) where h.covered_verses <> s.covered_verses"
    )
    assert wrong == []
    assert site.value("select count(*) from progress.version_history where kind = 'text'") > 0
    site.run("update progress.version_history set day = day - 1")
    site.value("select progress.signal_all('text')")
    site.drain()
    today = "select count(*) from progress.version_history where day >= current_date"
    assert site.value(today) == 0


def test_a_reader_of_a_materialized_view_does_not_wait_for_its_refresh(
    site: Installation,
) -> None:
    locks = (
        "select mode from pg_locks where relation = 'mv_text_verse_coverage'::regclass"
        " and pid = pg_backend_pid()"
    )
    site.run("update verse_texts set verse_text = ''")
    with site.connection.transaction():
        assert drain_one(site, "text") == "drained"
        held = {mode for (mode,) in site.rows(locks)}
    assert "ExclusiveLock" in held
    assert "AccessExclusiveLock" not in held


def test_lookups_use_the_unique_indexes(site: Installation) -> None:
    site.run("set enable_seqscan = off")
    for kind in ("audio", "text"):
        for relation, key in (
            ("verse_coverage", "verse_id"),
            ("chapter_coverage", "chapter_id"),
            ("book_coverage", "book_id"),
        ):
            plan = site.rows(
                f"explain select from mv_{kind}_{relation} where {kind}_version_id ="
                f" '{'0' * 8}-0000-0000-0000-{'0' * 12}' and {key} = 'x'"
            )
            assert f"mv_{kind}_{relation}_key" in str(plan)
