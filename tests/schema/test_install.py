"""Install: once, twice, over a host with data, over itself after somebody meddled with it."""

from typing import Any

import psycopg
import pytest
from catalog import assert_same_catalog, catalog
from psycopg import Connection

from bible_progress import sql
from bible_progress.errors import GuardRefused
from bible_progress.installing import install, rendering, uninstall
from bible_progress.installing.schema import LAST
from oracle.checks import assert_right
from support.builders import World
from support.oracle import drain


def test_install_on_an_empty_database_creates_the_host_tables(
    empty_connection: Connection[Any], host_connection: Connection[Any]
) -> None:
    plan = install.install(empty_connection)
    assert plan.creates_host_tables
    assert plan.installed_version is None
    assert not install.install(host_connection).creates_host_tables
    assert_same_catalog(catalog(empty_connection), catalog(host_connection))


def test_installing_twice_changes_nothing(conn: Connection[Any]) -> None:
    before = catalog(conn)
    rows = conn.execute("select name, checksum from progress.migration order by 1").fetchall()
    plan = install.install(conn)
    assert plan.migrations == ()
    assert not plan.signals_everything
    assert_same_catalog(catalog(conn), before)
    again = conn.execute("select name, checksum from progress.migration order by 1").fetchall()
    assert again == rows


def test_functions_triggers_and_grants_may_be_applied_a_second_time(
    conn: Connection[Any],
) -> None:
    before = catalog(conn)
    # What an install notes of the state before it: nothing that it would have to carry over.
    conn.execute("select set_config('bible_progress.before', '{}', true)")
    for path in sql.manifest():
        if "create or replace function" in sql.read(path) or path in LAST:
            conn.execute(sql.read(path))
    conn.execute(rendering.triggers().encode())
    assert_same_catalog(catalog(conn), before)


def test_a_plan_changes_nothing_and_says_what_install_would_do(
    host_connection: Connection[Any],
) -> None:
    before = catalog(host_connection)
    plan = install.make_plan(host_connection)
    assert_same_catalog(catalog(host_connection), before)
    done = install.install(host_connection)
    assert plan == done
    assert list(plan.steps()) == list(done.steps())


def test_installing_over_a_host_with_data_queues_every_version(
    host_connection: Connection[Any],
) -> None:
    world = World(host_connection)
    world.canon()
    text, audio, gone = world.text_version(), world.audio_version(), world.text_version()
    world.text(text, ["gen-1-1", "gen-1-2", "gen-1-3"])
    world.text(gone, ["gen-1-1"])
    world.recording(audio, start="gen-1-2", end="exod-1-1")
    host_connection.execute("update text_versions set deleted_at = now() where id = %s", [gone])

    assert install.install(host_connection).signals_everything
    queue = host_connection.execute(
        "select kind, version_id, chapter_id from progress_refresh_queue"
    ).fetchall()
    assert set(queue) == {("text", text, None), ("audio", audio, None)}
    assert_right(host_connection)


def test_what_was_stored_and_chosen_survives_a_second_install(conn: Connection[Any]) -> None:
    world = World(conn)
    world.canon()
    version = world.text_version()
    world.text(version, ["gen-1-1"])
    drain(conn)
    install.install(conn, environment="production", readers=["pg_monitor"])
    install.install(conn)
    row = conn.execute("select environment, reader_roles from progress.settings").fetchone()
    assert row == ("production", ["pg_monitor"])
    assert conn.execute("select count(*) from progress.version_rollup").fetchone() == (1,)
    assert conn.execute("select count(*) from progress.version_history").fetchone() == (1,)

    with pytest.raises(GuardRefused):
        install.install(conn, environment="development", readers=[])
    install.install(conn, environment="development", readers=[], override="a test")
    row = conn.execute("select environment, reader_roles from progress.settings").fetchone()
    assert row == ("development", [])


@pytest.mark.parametrize(
    "meddling",
    [
        "alter table verse_texts disable trigger progress_update",
        "alter table verse_texts disable trigger user",
        "drop trigger progress_insert on media_files",
    ],
)
def test_triggers_that_were_off_are_put_back_and_everything_is_queued(
    conn: Connection[Any], meddling: str
) -> None:
    """Changes may have been missed in the meantime."""
    before = catalog(conn)
    world = World(conn)
    world.canon()
    version = world.text_version()
    world.text(version, ["gen-1-1"])
    drain(conn)
    conn.execute("delete from progress.unsettled_change")
    conn.execute(meddling)  # type: ignore[arg-type]
    conn.execute("update verse_texts set verse_text = ''")

    assert install.install(conn).signals_everything
    assert_same_catalog(catalog(conn), before)
    assert_right(conn)


@pytest.mark.parametrize(
    "meddling",
    [
        "drop view mv_text_book_coverage cascade",
        "drop function mv_text_book_coverage(text_versions)",
        "create or replace view text_verse_coverage with (security_invoker = false) as"
        " select null::uuid as text_version_id, null::text as verse_id, null::text as chapter_id",
        "create or replace function progress.is_complete(p_covered bigint, p_total bigint)"
        " returns boolean language sql as 'select true'",
        "grant all on progress_refresh_queue to public",
        "alter function progress.signal(text, uuid[], text[]) reset search_path",
        "drop policy visible_with_their_version on progress.book_rollup",
    ],
)
def test_objects_that_were_changed_are_put_back(conn: Connection[Any], meddling: str) -> None:
    before = catalog(conn)
    conn.execute(meddling)  # type: ignore[arg-type]
    assert catalog(conn) != before
    install.install(conn)
    assert_same_catalog(catalog(conn), before)


def test_an_ordinary_role_that_owns_the_tables_may_install(
    empty_connection: Connection[Any],
) -> None:
    """Hosted databases give nobody a superuser."""
    run = empty_connection.execute
    run("create role bp_test_owner nosuperuser")
    run("grant create, usage on schema public to bp_test_owner")
    run("grant bp_test_owner to current_user")
    row = run("select current_database()").fetchone()
    assert row is not None
    run(psycopg.sql.SQL("grant create on database {} to bp_test_owner").format(
        psycopg.sql.Identifier(row[0])
    ))  # fmt: skip
    run("set local role bp_test_owner")
    install.install(empty_connection)
    world = World(empty_connection)
    world.canon()
    world.text(world.text_version(), ["gen-1-1"])
    world.recording(world.audio_version(), chapter="gen-1")
    assert_right(empty_connection)
    install.install(empty_connection)
    run("delete from language_entities")
    run("delete from bible_versions")
    uninstall.uninstall(empty_connection)
