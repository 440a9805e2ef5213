"""bible-progress uninstall"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg import Connection

from acceptance.command_line import CommandLine, finish, soon
from acceptance.installation import Installation
from support.builders import World


def host_tables(site: Installation) -> int:
    return site.value("select count(*) from pg_tables where schemaname = 'public'")


def test_nothing_is_removed_without_yes(cli: CommandLine, site: Installation) -> None:
    before = site.relations()
    cli("uninstall").assert_refused(2, "--yes")
    assert site.relations() == before


def test_an_empty_installation_leaves_nothing_at_all(cli: CommandLine, site: Installation) -> None:
    cli("uninstall", "--yes").assert_done()
    assert site.relations() == []
    assert site.rows("select from pg_namespace where nspname = 'progress'") == []


def test_host_tables_with_data_stay_and_it_says_so(cli: CommandLine, site: Installation) -> None:
    [version] = site.texts(1)
    done = cli("uninstall", "--yes").assert_done()
    assert "kept 11 host tables" in done.out
    assert host_tables(site) == 11
    assert site.value("select count(*) from verse_texts") == 2
    # Nothing of ours is left that a write could stumble over.
    site.touch(version)
    assert site.rows("select from pg_trigger where tgname like 'progress%%'") == []


def test_host_tables_that_were_there_before_stay_without_data_too(
    cli: CommandLine, site: Installation
) -> None:
    site.run("update progress.settings set owns_host_tables = false")
    assert "kept 11 host tables" in cli("uninstall", "--yes").assert_done().out
    assert host_tables(site) == 11


def test_uninstall_and_install_recount_everything(cli: CommandLine, site: Installation) -> None:
    [version] = site.texts(1)
    cli("uninstall", "--yes").assert_done()
    before = site.relations()
    cli("uninstall", "--yes").assert_done()  # nothing to remove is not an error
    assert site.relations() == before
    site.touch(version)
    cli("install").assert_done()
    cli("refresh").assert_done()
    assert site.covered(version) == 3
    site.assert_right()


def test_what_of_the_host_depends_on_ours_is_never_dropped(
    cli: CommandLine, site: Installation
) -> None:
    for statement in (
        "create view theirs as select * from mv_text_version_progress_summary",
        "create view theirs as select * from progress_refresh_queue",
        "create view theirs as select * from progress.versions",
        "create view theirs as select * from progress.version_rollup",
        "create view theirs as select progress.fraction(1, 2) as half",
        "create table theirs (half numeric default progress.fraction(1, 2))",
    ):
        site.run(statement)
        before = site.relations()
        cli("uninstall", "--yes").assert_refused(5, "theirs")
        assert site.relations() == before
        site.run("drop table theirs" if "table" in statement else "drop view theirs")


def test_what_of_the_host_stands_in_our_schema_is_never_dropped(
    cli: CommandLine, site: Installation
) -> None:
    for kind, rest in (
        ("table", "(id integer)"),
        ("sequence", ""),
        ("function", "() returns integer language sql return 1"),
        ("type", "as enum ('one')"),
    ):
        site.run(f"create {kind} progress.theirs {rest}")
        before = site.relations()
        cli("uninstall", "--yes").assert_refused(5, "theirs")
        assert site.relations() == before
        site.run(f"drop {kind} progress.theirs")


def test_triggers_of_the_host_stay(cli: CommandLine, site: Installation) -> None:
    site.texts(1)
    site.run(
        "create function public.theirs() returns trigger language plpgsql"
        " as $$ begin return null; end $$"
    )
    site.run(
        "create trigger theirs after insert on public.verse_texts"
        " for each row execute function public.theirs()"
    )
    cli("uninstall", "--yes").assert_done()
    kept = "select tgname::text from pg_trigger where not tgisinternal"
    assert site.rows(kept) == [("theirs",)]


def test_what_is_committed_while_it_waits_for_writers_is_kept(
    cli: CommandLine, site: Installation, connect: Callable[..., Connection[Any]]
) -> None:
    for write in (
        lambda world: world.language(),
        lambda world: world.canon(),
    ):
        writer = connect(autocommit=False)
        write(World(writer))
        with cli.started("uninstall", "--yes") as process:
            waiting = "select from pg_stat_activity where wait_event_type = 'Lock'"
            assert soon(lambda waiting=waiting: site.rows(waiting))
            writer.commit()
            finish(process)
        assert host_tables(site) >= 11
        assert site.value("select count(*) from language_entities") == 1
        cli("install").assert_done()
    assert site.value("select count(*) from verses") == 11


def test_empty_host_tables_that_others_refer_to_are_no_obstacle(
    cli: CommandLine, site: Installation
) -> None:
    site.run("create table theirs (user_id uuid references users)")
    cli("uninstall", "--yes").assert_done()
    assert host_tables(site) == 12
    assert site.rows("select from pg_namespace where nspname = 'progress'") == []
