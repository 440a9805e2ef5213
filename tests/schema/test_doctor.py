"""doctor: what each check finds, that it is silent elsewhere, and that its fix ends it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from catalog import assert_same_catalog, catalog
from psycopg import Connection

from acceptance.command_line import soon
from bible_progress import __version__, sql
from bible_progress.engine.audit import audit
from bible_progress.errors import InstallRefused
from bible_progress.installing import doctor, install, schema
from bible_progress.installing.checks import SEVERITIES, all_checks
from support.builders import World

HERE = Path(__file__)
DIRTY = HERE.with_name("dirty_host.sql").read_text(encoding="utf-8")
EARLIER = HERE.with_name("earlier_implementation.sql").read_text(encoding="utf-8")
LANGUAGE = "00000000-0000-0000-0000-0000000000a1"
TEXT = "00000000-0000-0000-0000-000000000001"
AUDIO = "00000000-0000-0000-0000-00000000000b"


@pytest.fixture
def host(host_connection: Connection[Any]) -> Connection[Any]:
    """A clean host: two canons, a language, a text with a verse, a recording of a chapter."""
    world = World(host_connection)
    world.canon()
    world.canon("vul", prefix="v-")
    run = host_connection.execute
    run("insert into language_entities (id, name) values (%s, 'English')", [LANGUAGE])
    for kind, version in (("text", TEXT), ("audio", AUDIO)):
        run(
            f"insert into {kind}_versions (id, name, bible_version_id, language_entity_id)"  # type: ignore[arg-type]
            " values (%s, 'Ours', 'eng', %s)",
            [version, LANGUAGE],
        )
    run("insert into verse_texts (text_version_id, verse_id, verse_text) values (%s, 'gen-1-1', 'In')", [TEXT])  # fmt: skip
    world.timings(file(host_connection, chapter="gen-1"), ["gen-1-1"])
    run("analyze")
    return host_connection


def file(connection: Connection[Any], **place: Any) -> Any:
    return World(connection).recording(UUID(AUDIO), **place)


def found(connection: Connection[Any], **options: Any) -> dict[str, doctor.Finding]:
    return {f.check.name: f for f in doctor.examine(connection, **options).findings}


def test_a_clean_host_has_nothing_to_find(host: Connection[Any]) -> None:
    host.execute("set jit = off")  # which some servers have on
    examination = doctor.examine(host)
    assert examination.findings == []
    assert examination.unfinished == []
    assert len(examination.passed) > 35


def test_an_installed_host_has_nothing_to_find(host: Connection[Any]) -> None:
    host.execute("set jit = off")  # which some servers have on
    install.install(host)
    examination = doctor.examine(host)
    assert examination.findings == []
    assert examination.installed_version == __version__
    assert {"our_triggers", "other_owner", "newer_installation"} <= {
        check.name for check in examination.passed
    }


def test_an_empty_database_has_nothing_to_find(empty_connection: Connection[Any]) -> None:
    empty_connection.execute("set jit = off")  # which some servers have on
    examination = doctor.examine(empty_connection)
    assert examination.findings == []
    # What asks for rows is not asked where there is no table.
    assert {c.when for c in examination.passed} == {"always", "new"}


PARTITIONED = (
    "drop table verse_texts; create table verse_texts (id uuid default gen_random_uuid(),"
    " text_version_id uuid references text_versions on delete cascade,"
    " verse_id text references verses on delete cascade, verse_text text, publish_status text,"
    " created_by uuid, deleted_at timestamptz, unique (text_version_id, verse_id))"
    " partition by hash (text_version_id); create table only_one partition of verse_texts"
    " for values with (modulus 1, remainder 0);"
)

# check -> (what brings it about, what is found)
CASES: dict[str, tuple[str, str]] = {
    "read_only": ("set local default_transaction_read_only = on", "default_transaction_read_only"),
    "names_taken": ("create table mv_text_book_coverage ()", "table public.mv_text_book_coverage"),
    "earlier_implementation": (EARLIER, "trigger trg_enqueue_text on public.verse_texts"),
    "leftovers": (
        "create table progress_refresh_queue (kind text, version_id uuid, chapter_id text,"
        " enqueued_at timestamptz, xid xid8)",
        "table public.progress_refresh_queue",
    ),
    "host_columns": (
        "alter table verse_texts drop column verse_text",
        "column public.verse_texts.verse_text is missing",
    ),
    "host_kinds": (
        "create table more () inherits (verse_texts)",
        "public.verse_texts and public.more inherit from each other",
    ),
    "unique_pairs": (
        "alter table verse_texts drop constraint verse_texts_text_version_id_verse_id_key",
        "public.verse_texts has no unique index on (text_version_id, verse_id)",
    ),
    "duplicate_rows": (
        "alter table verse_texts drop constraint verse_texts_text_version_id_verse_id_key;"
        "insert into verse_texts (text_version_id, verse_id, verse_text)"
        " select text_version_id, verse_id, verse_text from verse_texts",
        f"texts of version {TEXT}, gen-1-1: ",
    ),
    "replica_mode": (
        "do $$ begin execute format("
        "'alter database %I set session_replication_role = replica', current_database()); end $$",
        "session_replication_role is replica in database",
    ),
    "unlogged_tables": (
        "create unlogged table f (like verse_texts including all); drop table verse_texts;"
        "alter table f rename to verse_texts",
        "public.verse_texts is unlogged",
    ),
    "partitioned_tables": (
        PARTITIONED,
        "public.verse_texts is partitioned by HASH (text_version_id), partitions: public.only_one",
    ),
    "writable_partitions": (
        PARTITIONED + "grant insert on only_one to pg_monitor",
        "pg_monitor may write to public.only_one, a partition of public.verse_texts",
    ),
    "publications_of_everything": (
        "create publication p for all tables",
        "publication p publishes all tables",
    ),
    "replica_identity": (
        "create publication p for table verse_texts;"
        "alter table verse_texts replica identity nothing",
        "public.verse_texts is published by p and has no replica identity",
    ),
    "subscriptions": (
        "create subscription s connection 'dbname=nowhere' publication p"
        " with (connect = false);"
        # What a subscriber that could reach its publisher would have.
        "set local allow_system_table_mods = on;"
        "insert into pg_subscription_rel (srsubid, srrelid, srsubstate)"
        " select oid, 'verse_texts'::regclass, 'r' from pg_subscription where subname = 's'",
        "public.verse_texts receives subscription s",
    ),
    "default_privileges": (
        "create role bp_test_report nosuperuser;"
        "alter default privileges in schema public grant select on tables to bp_test_report",
        "in schema public are granted to bp_test_report (select)",
    ),
    "row_security_on_versions": (
        "alter table text_versions enable row level security",
        "public.text_versions has row security",
    ),
    "host_triggers": (
        "create trigger theirs before update on verse_texts"
        " for each row execute function suppress_redundant_updates_trigger()",
        "before trigger theirs on public.verse_texts calls suppress_redundant_updates_trigger",
    ),
    "event_triggers": (
        "create function seen() returns event_trigger language plpgsql as 'begin end';"
        "create event trigger seen on ddl_command_end execute function seen()",
        "event trigger seen at ddl_command_end calls public.seen",
    ),
    "missing_indexes": (
        "drop index media_files_audio_version_id_start_verse_id_idx",
        "public.media_files (audio_version_id, start_verse_id)",
    ),
    "autovacuum_off": (
        "alter table verse_texts set (autovacuum_enabled = off)",
        "autovacuum is off for public.verse_texts",
    ),
    "stale_statistics": (
        "create table f (like verse_texts including all);"
        "insert into f select * from verse_texts; drop table verse_texts;"
        "alter table f alter verse_text set storage plain;"
        "update f set verse_text = repeat('x', 5000);"
        "update f set verse_text = repeat('y', 5000);"
        "alter table f rename to verse_texts",
        "public.verse_texts was never analyzed",
    ),
    "unknown_statuses": (
        "alter table media_files drop constraint media_files_upload_status_check;"
        "update media_files set upload_status = 'Completed'",
        "media_files.upload_status is 'Completed' in 1 rows",
    ),
    "versions_without_canon": (
        "insert into bible_versions values ('new', 'New');"
        "update text_versions set bible_version_id = 'new'",
        f"text version {TEXT} (Ours): canon new has no verses",
    ),
    "rows_of_another_canon": (
        "update verse_texts set verse_id = 'v-gen-1-1'",
        "v-gen-1-1 is of canon vul, its version of eng",
    ),
    "reversed_ranges": (
        "update media_files set start_verse_id = 'exod-1-1', end_verse_id = 'gen-2-1',"
        " chapter_id = null",
        "from exod-1-1 to gen-2-1",
    ),
    "end_without_start": (
        "alter table media_files drop constraint end_verse_needs_start_verse;"
        "update media_files set end_verse_id = 'gen-1-2'",
        "ends at gen-1-2 in chapter gen-1",
    ),
    "chapter_and_verse_disagree": (
        "update media_files set start_verse_id = 'gen-2-1'",
        "chapter gen-1, start verse gen-2-1 of chapter gen-2",
    ),
    "ranges_across_books": (
        "update media_files set start_verse_id = 'gen-1-2', end_verse_id = 'exod-1-1'",
        "from gen-1-2 to exod-1-1",
    ),
    "recordings_without_version": ("update media_files set audio_version_id = null", "recording "),
    "recordings_not_ready": (
        f"insert into media_files (audio_version_id, chapter_id) values ('{AUDIO}', 'gen-2')",
        "upload_status is pending and publish_status is pending in 1 rows",
    ),
    "recordings_without_place": (
        "update media_files set chapter_id = null; update media_files_verses set deleted_at = now()",
        "recording ",
    ),
    "blank_texts": (
        "update verse_texts set verse_text = e' \\u00a0\\u200b'",
        f"version {TEXT}, gen-1-1",
    ),
    "duplicate_verse_numbers": (
        "insert into verses values ('again', 2, 'gen-1');"
        "update chapters set total_verses = 4 where id = 'gen-1'",
        "chapter gen-1, verse 2: again, gen-1-2",
    ),
    "duplicate_chapter_numbers": (
        "insert into chapters values ('again', 2, 'gen', 0)",
        "book gen, chapter 2: again, gen-2",
    ),
    "duplicate_book_numbers": (
        "insert into books values ('again', 'Again', 2, 'eng')",
        "canon eng, book 2: again, exod",
    ),
    "missing_numbers": (
        "alter table verses alter verse_number drop not null;"
        "update verses set verse_number = null where id = 'gen-1-1'",
        "verse gen-1-1 has no verse_number",
    ),
    "wrong_totals": (
        "update chapters set total_verses = 31 where id = 'gen-1'",
        "chapters.total_verses of gen-1 says 31, the chapter has 3",
    ),
    "orphaned_languages": (
        "update language_entities set deleted_at = now()",
        f"text version {TEXT} (Ours): language {LANGUAGE} is deleted",
    ),
    "language_parents": (
        "update language_entities set parent_id = id",
        f"language {LANGUAGE} (English): is its own ancestor",
    ),
    "missing_parents": (
        "alter table verse_texts drop constraint verse_texts_verse_id_fkey;"
        "update verse_texts set verse_id = 'nowhere'",
        "verse_id nowhere is not there",
    ),
    "missing_foreign_keys": (
        "alter table verse_texts drop constraint verse_texts_verse_id_fkey",
        "public.verse_texts.verse_id may name a row that public.verses does not have",
    ),
}
# In a database with Bible Progress.
INSTALLED_CASES: dict[str, tuple[str, str]] = {
    "hindrances": (
        "update progress.settings set cron_database = 'nowhere'",
        "there is no database nowhere, whose pg_cron should drain",
    ),
    "newer_installation": (
        "update progress.settings set package_version = '99.0.0'",
        "99.0.0, which is newer than this one",
    ),
    "our_triggers": (
        "alter table verse_texts disable trigger progress_update",
        "progress_update on public.verse_texts is disabled",
    ),
    "open_host_tables": (
        "update progress.settings set owns_host_tables = true;"
        "create role anon nosuperuser; grant insert (verse_text), select on verse_texts to anon;"
        "grant truncate on users to public",
        "anon (select, insert) may use public.verse_texts, which has no row security | "
        "anon (truncate) may use public.users, which",
    ),
    "unsignalled_versions": (
        "delete from progress_refresh_queue",
        f"text version {TEXT} has no numbers",
    ),
    "host_dependents": (
        "create view theirs as select * from progress.versions",
        "view public.theirs depends on view progress.versions",
    ),
    "foreign_numbers": (
        "insert into progress_refresh_queue (kind, version_id, xid)"
        " values ('text', gen_random_uuid(), '99999999999')",
        "1 signals in the queue",
    ),
    "shown_versions": (
        "update progress.settings set rollout_step = 4;"
        "alter table text_versions enable row level security",
        "public.text_versions has row security, the materialized views have not",
    ),
}
# Tested below, or with what they need: hidden_rows and missing_rights with roles, busy_transactions
# and old_snapshots with another session, server_version and server_encoding with what this server is not.
ELSEWHERE = {
    "server_version",
    "server_encoding",
    "jit",
    "other_owner",
    "missing_rights",
    "hidden_rows",
    "busy_transactions",
    "old_snapshots",
    "earlier_cron_jobs",
    # tests/sql/test_unsignalled_versions.py, where there are materialized views.
    "unfilled_views",
    # tests/acceptance/test_cli_suspend.py
    "suspended",
}


def test_every_check_has_its_case() -> None:
    cases = [*CASES, *INSTALLED_CASES, *ELSEWHERE]
    assert sorted(cases) == sorted(all_checks())


@pytest.mark.parametrize("name", CASES)
def test_what_a_check_finds_and_that_its_fix_ends_it(host: Connection[Any], name: str) -> None:
    cause, words = CASES[name]
    host.execute(cause)  # type: ignore[arg-type]
    before = catalog(host)
    assert_found_and_fixed(host, name, words)
    if all_checks()[name].severity == "error" and name != "unique_pairs":
        assert_same_catalog(catalog(host), before)
        with pytest.raises(InstallRefused) as refused:
            install.install(host)
        assert all_checks()[name].title in str(refused.value)
    elif name != "duplicate_rows":
        # A warning is no refusal; duplicates lack the unique index, which is another check's error.
        install.install(host)


@pytest.mark.parametrize("name", INSTALLED_CASES)
def test_what_a_check_finds_in_an_installed_database(host: Connection[Any], name: str) -> None:
    install.install(host)
    cause, words = INSTALLED_CASES[name]
    host.execute(cause)  # type: ignore[arg-type]
    assert_found_and_fixed(host, name, words)


def test_an_old_snapshot_is_found_once_it_keeps_many_dead_rows(
    connect: Callable[..., Connection[Any]],
) -> None:
    writer, reader = connect(), connect(autocommit=False)
    writer.execute("alter table progress_refresh_queue set (autovacuum_enabled = false)")
    reader.execute("set transaction isolation level repeatable read")
    reader.execute("select from bible_versions")
    writer.execute(
        "insert into progress_refresh_queue (kind, version_id)"
        " select 'text', gen_random_uuid() from generate_series(1, 10000)"
    )
    writer.execute("delete from progress_refresh_queue")
    with writer.transaction():
        writer.execute("select pg_stat_force_next_flush()")
    # Every block that writes takes a number.
    writer.execute(
        "do $$ begin for n in 1..1000 loop begin"
        " update progress.settings set environment = environment;"
        " exception when others then null; end; end loop; end $$"
    )
    assert "10000 dead rows" in found(writer)["old_snapshots"].rows[0]
    reader.rollback()
    # Other tests on this server may hold one for a while too.
    assert soon(lambda: "old_snapshots" not in found(writer))


def assert_found_and_fixed(connection: Connection[Any], name: str, words: str) -> None:
    findings = found(connection)
    assert name in findings, sorted(findings)
    finding = findings[name]
    assert words in " | ".join(finding.rows)
    assert finding.how_many >= len(finding.rows) > 0
    for statement in finding.statements:
        # Within a transaction, as this test is.
        connection.execute(statement.replace(" concurrently", ""))  # type: ignore[arg-type]
    if finding.statements:
        assert name not in found(connection)


def test_a_dirty_host_is_told_everything_with_its_rows(empty_connection: Connection[Any]) -> None:
    empty_connection.execute(DIRTY)
    findings = found(empty_connection, shown=50)
    told = {name: " | ".join(finding.rows) for name, finding in findings.items()}
    for name, words in {
        "duplicate_verse_numbers": "gen-1-2, verse-twice",
        "duplicate_chapter_numbers": "chapter-twice, gen-2",
        "duplicate_book_numbers": "gen, gen-twice",
        "wrong_totals": "wrong-chapter says 31",
        "reversed_ranges": "from exod-2-3 to exod-2-1",
        "ranges_across_books": "from gen-2-3 to exod-1-1",
        "end_without_start": "gen-2-2",
        "chapter_and_verse_disagree": "chapter gen-2, start verse exod-1-3",
        "recordings_without_version": "0002-000000000009",
        "recordings_without_place": "0002-00000000000a",
        "orphaned_languages": "0000000000e3 (Of no language)",
        "versions_without_canon": "canon is not named",
        "publications_of_everything": "everything",
        "row_security_on_versions": "public.audio_versions",
        "host_triggers": "tidy_file",
        "missing_foreign_keys": "public.chapters.book_id",
    }.items():
        assert words in told[name], name
    assert told["unknown_statuses"].count("media_files.") == 5
    assert findings["blank_texts"].how_many == 2
    assert findings["rows_of_another_canon"].how_many == 4
    assert findings["missing_parents"].how_many == 9
    assert findings["language_parents"].how_many == 3
    assert not any(finding.check.severity == "error" for finding in findings.values())


def test_only_the_first_rows_are_kept_and_all_are_counted(host: Connection[Any]) -> None:
    host.execute("update verse_texts set verse_text = ''")
    host.execute(
        "insert into verse_texts (text_version_id, verse_id)"
        " select %s, id from verses where id <> 'gen-1-1' and id not like 'v-%%'",
        [TEXT],
    )
    finding = found(host, shown=2)["blank_texts"]
    assert (finding.how_many, len(finding.rows)) == (11, 2)


def test_it_changes_nothing_and_cannot(host: Connection[Any]) -> None:
    before = catalog(host)
    doctor.examine(host)
    assert_same_catalog(catalog(host), before)
    with host.transaction(force_rollback=True):
        doctor._limit(host, 1)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            host.execute("delete from verse_texts")
    # The caller's own transaction may write again.
    host.execute("delete from verse_texts")


def test_a_check_that_takes_too_long_says_so_and_the_others_go_on(host: Connection[Any]) -> None:
    run = host.execute
    run("create function slow(uuid) returns text language sql stable as 'select pg_sleep(9)::text'")
    run("alter table verse_texts rename to slow_texts")
    run(
        "create view verse_texts as select id, text_version_id, verse_id, slow(id) as verse_text,"
        " publish_status, created_by, deleted_at from slow_texts"
    )
    examination = doctor.examine(host, seconds=0.3)
    assert [(c.name, "0.3 s" in why) for c, why in examination.unfinished] == [
        ("blank_texts", True)
    ]
    # It counts as what it would have been.
    found_anyway = sum(f.check.severity == "advice" for f in examination.findings)
    assert examination.count("advice") == found_anyway + 1
    assert "duplicate_book_numbers" in {check.name for check in examination.passed}


def test_rows_are_not_asked_for_while_columns_are_missing(host: Connection[Any]) -> None:
    host.execute("alter table verses drop column verse_number")
    examination = doctor.examine(host)
    waiting = {check.name for check in examination.waiting}
    assert "duplicate_verse_numbers" in waiting
    assert waiting == {c.name for c in all_checks().values() if c.when == "sound host"}


# --- Checks that need roles, sessions or another server.


@pytest.fixture
def role(host: Connection[Any]) -> Callable[[], None]:
    """A role that owns nothing; the returned function becomes it."""
    host.execute("create role bp_test_plain nosuperuser")
    return lambda: host.execute("set local role bp_test_plain") and None


def test_rights_that_are_missing(host: Connection[Any], role: Callable[[], None]) -> None:
    role()
    findings = found(host)
    rows = findings["missing_rights"].rows
    assert any("may not create in schema public" in row for row in rows)
    examination = doctor.examine(host, shown=50)
    [rights] = [f for f in examination.findings if f.check.name == "missing_rights"]
    assert sum("belongs to" in row for row in rights.rows) == len(schema.HOST_TABLES)
    # Checks of rows that this role may not read say so.
    reasons = {check.name: why for check, why in examination.unfinished}
    assert "permission denied" in reasons["duplicate_verse_numbers"]
    host.execute("reset role")
    for statement in rights.statements:
        host.execute(statement)  # type: ignore[arg-type]
    role()
    assert "missing_rights" not in found(host)
    install.install(host)


def test_rows_that_row_security_hides(host: Connection[Any], role: Callable[[], None]) -> None:
    for table in schema.HOST_TABLES:
        host.execute(f"alter table {table} owner to bp_test_plain")  # type: ignore[arg-type]
    host.execute("alter table verse_texts enable row level security, force row level security")
    role()
    assert "public.verse_texts" in found(host)["hidden_rows"].rows[0]


def test_another_role_than_the_one_that_installed(
    host: Connection[Any], role: Callable[[], None]
) -> None:
    install.install(host)
    role()
    with pytest.raises(InstallRefused, match="schema progress belongs to role"):
        doctor.examine(host)
    host.execute("reset role")
    host.execute("grant usage on schema progress to bp_test_plain")
    host.execute("grant select on progress.settings to bp_test_plain")
    role()
    assert "schema progress belongs to role" in found(host)["other_owner"].rows[0]


def test_a_place_that_another_role_owns(host: Connection[Any], role: Callable[[], None]) -> None:
    """Its owner could replace functions of ours that run with the rights of who installs."""
    role()
    host.execute("reset role")
    host.execute("create schema progress authorization bp_test_plain")
    assert "schema progress belongs to role" in found(host)["other_owner"].rows[0]
    with pytest.raises(InstallRefused, match="schema progress belongs to role"):
        install.install(host)
    assert host.execute("select to_regclass('progress.settings')").fetchone() == (None,)


def test_transactions_that_install_would_wait_for(connect: Any) -> None:
    writer, looker = connect(autocommit=False), connect()
    assert "busy_transactions" not in found(looker, busy_seconds=0)
    writer.execute("update text_versions set name = name")
    writer.execute("select from verse_texts")
    finding = found(looker, busy_seconds=0)["busy_transactions"]
    pid = writer.info.backend_pid
    assert f"process {pid} " in finding.rows[0]
    assert finding.rows[0].endswith("holds public.text_versions")
    assert finding.statements == (f"select pg_terminate_backend({pid});",)
    assert "busy_transactions" not in found(looker, busy_seconds=3600)
    writer.execute("prepare transaction 'left behind'")
    finding = found(looker, busy_seconds=0)["busy_transactions"]
    assert "prepared transaction left behind" in finding.rows[0]
    assert finding.statements == ("rollback prepared 'left behind';",)
    looker.execute(finding.statements[0])
    assert "busy_transactions" not in found(looker, busy_seconds=0)


@pytest.mark.parametrize(
    ("name", "ours", "other"),
    [("server_version", "150000", "990000"), ("server_encoding", "'UTF8'", "'LATIN1'")],
)
def test_a_server_that_is_not_what_it_must_be(
    host: Connection[Any], name: str, ours: str, other: str
) -> None:
    """The rule asked of this server with another requirement; a LATIN1 database is refused too."""
    query = all_checks()[name].query
    assert host.execute(query).fetchall() == []  # type: ignore[arg-type]
    assert query.count(ours) == 1
    assert len(host.execute(query.replace(ours, other)).fetchall()) == 1  # type: ignore[arg-type]


def test_a_server_that_compiles_is_told_of(host: Connection[Any]) -> None:
    """Asked as if this server had JIT, which depends on how it was built."""
    query = all_checks()["jit"].query.replace("pg_jit_available()", "true")
    host.execute("set local jit = on")
    [(finding, fix)] = host.execute(query).fetchall()  # type: ignore[arg-type]
    assert finding.startswith("jit is on")
    host.execute(fix)
    host.execute("set local jit_above_cost = -1")
    assert host.execute(query).fetchall() == []  # type: ignore[arg-type]
    host.execute("set local jit_above_cost = 100000; set local jit = off")
    assert host.execute(query).fetchall() == []  # type: ignore[arg-type]


# --- The list itself.


def test_every_check_is_listed_once_with_its_head() -> None:
    listed = sql.checks()
    files = {f"checks/{path.name}" for path in (Path(sql.__file__).parent / "checks").iterdir()}
    assert set(listed) == files
    assert len(set(listed)) == len(listed)
    for check in all_checks().values():
        assert check.severity in SEVERITIES
        assert check.when in {"always", "host", "sound host", "new", "installed"}
        assert check.why.endswith(".")
        assert check.fix


def test_totals_that_lie_are_those_that_verify_tells(world: World) -> None:
    """Before install there is no function to ask, and workers may not read the tables."""
    world.canon()
    world.connection.execute("update chapters set total_verses = 7 where id = 'gen-1'")
    world.connection.execute("alter table chapters alter total_verses drop not null")
    world.connection.execute("update chapters set total_verses = null where id = 'exod-2'")
    finding = found(world.connection)["wrong_totals"]
    assert finding.how_many == 2
    assert audit(world.connection).wrong_totals == list(finding.rows)


def test_the_columns_of_the_contract_are_those_of_the_relations(conn: Connection[Any]) -> None:
    for relation, columns in schema.contract_columns().items():
        found = conn.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
            " order by attnum",
            [relation],
        ).fetchall()
        assert [name for (name,) in found][: len(columns)] == list(columns)
