"""install --replace: an earlier implementation goes, what a host made of it stays and works."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from catalog import assert_same_catalog, catalog
from psycopg import Connection

from bible_progress.errors import GuardRefused, InstallRefused
from bible_progress.installing import install, schema, uninstall
from bible_progress.installing.checks import Subject
from oracle.checks import assert_right
from support.builders import World
from support.oracle import drain

EARLIER = Path(__file__).with_name("earlier_implementation.sql").read_text(encoding="utf-8")

GOES = [
    "trigger timings_changed on public.media_files_verses",
    "function public.trg_timings_changed()",
    "trigger trg_enqueue_audio on public.media_files",
    "trigger trg_enqueue_text on public.verse_texts",
    "function public.drain_progress_refresh_queue()",
    "function public.enqueue_audio_change()",
    "function public.enqueue_progress_refresh(text,uuid)",
    "function public.enqueue_text_change()",
    "function public.refresh_progress_views()",
    "function public.refresh_progress_views_safely()",
    "materialized view public.mv_language_entity_best_text_version",
    "view public.language_entity_best_text_version",
    "materialized view public.mv_text_version_progress_summary",
    "view public.text_version_progress_summary",
    "materialized view public.mv_audio_verse_coverage",
    "materialized view public.mv_text_verse_coverage",
    "view public.audio_verse_coverage",
    "view public.text_verse_coverage",
    "table public.progress_refresh_queue",
]


class Host(World):
    """A host with an earlier implementation and one text with two of eleven verses."""

    def __init__(self, connection: Connection[Any]) -> None:
        super().__init__(connection)
        connection.execute(EARLIER)
        self.canon()
        self.version: UUID = self.text_version(name="Ours")
        self.text(self.version, ["gen-1-1", "exod-2-1"])
        connection.execute("select drain_progress_refresh_queue()")

    def value(self, query: str, *parameters: object) -> Any:
        row = self.connection.execute(query, parameters or None).fetchone()  # type: ignore[arg-type]
        assert row is not None
        return row[0]


@pytest.fixture
def host(host_connection: Connection[Any]) -> Iterator[Host]:
    host = Host(host_connection)
    yield host
    assert host_connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR


def refusal(connection: Connection[Any], **options: Any) -> str:
    """Return why an install is refused, and assert that nothing has changed."""
    before = catalog(connection)
    with pytest.raises(InstallRefused) as caught:
        install.install(connection, **options)
    assert_same_catalog(catalog(connection), before)
    assert caught.value.hint
    return f"{caught.value} {caught.value.hint}"


def test_a_plain_install_refuses_with_all_its_names_and_says_what_to_do(host: Host) -> None:
    reason = refusal(host.connection)
    assert "--replace" in reason
    for what in GOES:
        assert what in reason


def test_a_dry_run_lists_exactly_what_goes_and_changes_nothing(host: Host) -> None:
    before = catalog(host.connection)
    plan = install.make_plan(host.connection, replace=True)
    assert_same_catalog(catalog(host.connection), before)
    assert plan.replacement
    assert sorted(what for what, _ in plan.replacement.drops) == sorted(GOES)
    assert [view.name for view in plan.replacement.views] == ["public.dashboard"]
    steps = list(plan.steps())
    assert all(f"drop {what}" in steps for what in GOES)
    notes = " ".join(plan.replacement.notes)
    assert "materialized view public.mv_listens any more" in notes
    for stays in (
        "materialized view public.mv_listens",
        "function public.enqueue_email(text)",
        "function public.drain_outbox()",
    ):
        assert f"stays, being something else: {stays}" in notes


def test_nothing_but_what_was_listed_is_gone(host: Host) -> None:
    before = catalog(host.connection)
    install.install(host.connection, replace=True)
    after = catalog(host.connection)
    ours = {*schema.contract_views(), *schema.CONTRACT_TABLES}
    for line in before - after:
        assert any(name in line for name in ours) or any(
            what.partition("public.")[2].partition("(")[0] in line for what in GOES
        ), line
    assert_right(host.connection)


def test_views_of_the_host_are_what_they_were_on_the_new_relations(host: Host) -> None:
    run = host.connection.execute
    run("create role bp_test_team nosuperuser")
    run("grant select (name), update (name) on dashboard to bp_test_team with grant option")
    run("grant select on dashboard_totals to public")

    def looks(view: str) -> list[Any]:
        return run(
            "select c.oid, relowner, relacl::text, reloptions, obj_description(c.oid), array("
            " select (attname, atttypid, attacl::text, col_description(c.oid, attnum),"
            " pg_get_expr(adbin, adrelid)) from pg_attribute a"
            " left join pg_attrdef d on adrelid = attrelid and adnum = attnum"
            " where attrelid = c.oid and attnum > 0 order by attnum)::text"
            " from pg_class c where c.oid = %s::regclass",
            [view],
        ).fetchall()

    before = [looks("dashboard"), looks("dashboard_totals")]
    install.install(host.connection, replace=True)
    assert [looks("dashboard"), looks("dashboard_totals")] == before
    assert_right(host.connection)
    rows = run("select name, covered_verses, total_verses, verse_fraction from dashboard")
    assert rows.fetchall() == [("Ours", 2, 11, pytest.approx(2 / 11))]
    # Fresh from now on, through a view on a view and through a function that is only text.
    host.text(host.version, ["gen-1-2"])
    drain(host.connection)
    assert host.value("select covered_verses from dashboard_totals") == 3
    assert host.value("select covered_by(%s)", host.version) == 3


def test_what_has_such_a_name_and_is_something_else_stays_and_works(host: Host) -> None:
    install.install(host.connection, replace=True)
    host.connection.execute("select enqueue_email('a@example.org')")
    assert host.value("select count(*) from outbox") == 1
    assert host.value("select count(*) from mv_listens") == 0
    host.connection.execute("refresh materialized view mv_listens")


# What depends on it and cannot be carried over; each is named, and nothing changes.
OBSTACLES = {
    "create materialized view theirs as select * from mv_text_verse_coverage": (
        "materialized view public.theirs"
    ),
    "create view theirs as select ctid from progress_refresh_queue": (
        "view public.theirs reads progress_refresh_queue"
    ),
    "create view theirs as select text_version_id, old_number"
    " from mv_text_version_progress_summary": (
        "view public.theirs reads mv_text_version_progress_summary.old_number"
    ),
    "create policy theirs on verse_texts using (exists (select from mv_text_verse_coverage m"
    " where m.verse_id = verse_texts.verse_id))": "policy theirs on table public.verse_texts",
    "create rule theirs as on insert to outbox do also select * from mv_text_verse_coverage": (
        "rule theirs on table public.outbox"
    ),
    "create function theirs(mv_text_verse_coverage) returns int language sql return 1": (
        "function public.theirs(public.mv_text_verse_coverage)"
    ),
    "create table theirs (whole mv_text_verse_coverage)": "column whole of table public.theirs",
    "create table theirs (job bigint references progress_refresh_queue)": (
        "constraint theirs_job_fkey on table public.theirs"
    ),
    "create table theirs (n integer default drain_progress_refresh_queue())": (
        "default value for column n of table public.theirs"
    ),
    "create trigger theirs after insert on progress_refresh_queue"
    " for each row execute function tell()": (
        "trigger theirs on table public.progress_refresh_queue"
    ),
    "create trigger theirs after insert on outbox for each row execute function calls_it()": (
        "function public.calls_it() of trigger theirs on public.outbox uses"
        " enqueue_progress_refresh and does more"
    ),
}
FUNCTIONS = """
create function tell() returns trigger language plpgsql as 'begin return null; end';
create function calls_it() returns trigger language plpgsql as $$
begin
    perform enqueue_progress_refresh('text', null);
    insert into outbox (address) values ('a@example.org');
    return null;
end
$$;
"""


@pytest.mark.parametrize("statement", OBSTACLES)
def test_what_cannot_be_carried_over_is_named(host: Host, statement: str) -> None:
    run = host.connection.execute
    run(FUNCTIONS)
    if "old_number" in statement:
        run("drop materialized view mv_text_version_progress_summary cascade")
        run(
            "create materialized view mv_text_version_progress_summary as"
            " select text_version_id, covered_verses, 1 as old_number"
            " from text_version_progress_summary"
        )
    if "ctid" in statement:
        run("alter table progress_refresh_queue add column priority integer")
        statement = statement.replace("ctid", "priority")
    run(statement)  # type: ignore[arg-type]
    assert OBSTACLES[statement.replace("priority", "ctid")] in refusal(
        host.connection, replace=True
    )
    # A plan says the same.
    with pytest.raises(InstallRefused, match="cannot be carried over"):
        install.make_plan(host.connection, replace=True)


# Bodies of trigger functions that do nothing but call what goes, and are part of it whatever their
# names; and others, which do more and stay.
NOTHING_BUT_A_CALL = {
    "one call": "begin perform enqueue_progress_refresh('text', new.text_version_id);"
    " return null; end",
    "in capitals, with a schema and semicolons": "BEGIN PERFORM public.enqueue_progress_refresh("
    "'text', COALESCE(NEW.text_version_id, OLD.text_version_id)); RETURN COALESCE(NEW, OLD); END;",
    "select into a variable": "declare v_id uuid := null; begin v_id := new.text_version_id;"
    " if v_id is distinct from old.text_version_id or tg_op in ('INSERT', 'DELETE') then"
    " select enqueue_progress_refresh('text', v_id) into v_id; end if; return new; end",
    "branches": "begin if (tg_op = 'INSERT') then perform enqueue_progress_refresh('text',"
    " new.text_version_id); elsif (tg_op = 'UPDATE') then if (new.verse_text is distinct from"
    " old.verse_text) then perform enqueue_progress_refresh('text', new.text_version_id); end if;"
    " else perform enqueue_progress_refresh('text', old.text_version_id); end if;"
    " return null; end",
    "a case": "begin perform enqueue_progress_refresh('text', case when tg_op = 'DELETE' then"
    " old.text_version_id else new.text_version_id end); return null; end",
    "a case statement": "begin case tg_op when 'DELETE' then perform enqueue_progress_refresh('text',"
    " old.text_version_id); else perform enqueue_progress_refresh('text', new.text_version_id);"
    " end case; return null; end",
    "a loop": "declare r record; begin for r in select distinct text_version_id from verse_texts"
    " where verse_id = new.verse_id loop perform enqueue_progress_refresh('text',"
    " r.text_version_id); end loop; return null; end",
    "words in comments and literals": "begin -- delete from outbox; execute 'x'\n"
    "/* insert into outbox */ perform enqueue_progress_refresh('text', new.text_version_id);"
    " return null; -- ''\nend",
    "quoted names": 'begin perform "public"."enqueue_progress_refresh"(\'text\','
    ' new."text_version_id"); return null; end',
    "a warning instead of an error": "begin begin perform enqueue_progress_refresh('text',"
    " new.text_version_id); exception when others then raise warning 'no: %', sqlerrm; end;"
    " return null; end",
    "straight into the queue": "begin insert into public.progress_refresh_queue (kind, version_id)"
    " values ('text', new.text_version_id) on conflict (kind, version_id) do update"
    " set enqueued_at = excluded.enqueued_at; return new; end",
}
MORE_THAN_A_CALL = {
    "a write": "insert into outbox (address) values ('a')",
    "a write within a query": "with x as (delete from outbox returning 1) select 1 into v from x",
    "a comment that hides nothing": "perform length('--'); delete from outbox",
    "a call": "perform enqueue_email('a')",
    "a call in an argument": "perform enqueue_progress_refresh(enqueue_email('a')::text, null)",
    "a notification": "notify changed",
    "a function that notifies": "perform pg_notify('changed', '')",
    "dynamic SQL": "execute 'delete from outbox'",
    "an error": "if new.verse_text = '' then raise exception 'empty'; end if",
    "another error": "raise 'empty'",
    "a row that changes": "new.verse_text := trim(new.verse_text)",
    "a row that changes, the old way": "new.verse_text = 'x'",
    "a row that a query changes": "select 'x' into new.verse_text",
    "locks": "perform 1 from outbox for update",
    "a literal with an escape": "perform length(e'\\''); delete from outbox; perform length('''')",
    "a dollar quote": "perform length($x$'$x$); delete from outbox; perform length($x$'$x$)",
    "a setting": "perform set_config('a.b', 'c', false)",
}


def part_of_it(connection: Connection[Any], body: str, trigger: str = "after insert") -> bool:
    """Return whether a trigger function with this body counts as part of what goes."""
    run = connection.execute
    run(
        psycopg.sql.SQL("create function theirs() returns trigger language plpgsql as {}").format(
            psycopg.sql.Literal(body)
        )
    )
    run(
        f"create trigger theirs {trigger} on verse_texts for each row execute function theirs()"  # type: ignore[arg-type]
    )
    with install.transaction(connection):
        found = [row["finding"] for row in Subject(connection).earlier]
    assert ("function public.theirs()" in found) == (
        "trigger theirs on public.verse_texts" in found
    )
    return "function public.theirs()" in found


@pytest.mark.parametrize("body", NOTHING_BUT_A_CALL)
def test_a_trigger_function_that_does_nothing_but_call_goes_whatever_its_name(
    host: Host, body: str
) -> None:
    assert part_of_it(host.connection, NOTHING_BUT_A_CALL[body])
    install.install(host.connection, replace=True)
    assert host.value("select to_regproc('theirs')") is None
    host.text(host.version, ["gen-1-2"])
    assert_right(host.connection)


@pytest.mark.parametrize("body", MORE_THAN_A_CALL)
def test_a_trigger_function_that_does_more_is_named_with_what_to_change(
    host: Host, body: str
) -> None:
    more = MORE_THAN_A_CALL[body]
    call = "perform enqueue_progress_refresh('text', new.text_version_id);"
    assert not part_of_it(
        host.connection, f"declare v integer; begin {call} {more}; return new; end"
    )
    with pytest.raises(InstallRefused) as refused:
        install.make_plan(host.connection, replace=True)
    reason = str(refused.value)
    assert "function public.theirs() of trigger theirs on public.verse_texts" in reason
    assert "does more: take that out of it" in reason


@pytest.mark.parametrize("result", ["null", "old"])
def test_a_trigger_that_decides_whether_a_row_is_written_does_more(host: Host, result: str) -> None:
    body = f"begin perform enqueue_progress_refresh('text', null); return {result}; end"
    assert not part_of_it(host.connection, body, "before update")


def test_a_trigger_that_writes_into_the_queue_and_does_more_is_named(host: Host) -> None:
    assert not part_of_it(
        host.connection,
        "begin insert into progress_refresh_queue (kind, version_id) values ('text', null);"
        " insert into outbox (address) values ('a'); return null; end",
    )
    with pytest.raises(
        InstallRefused, match=r"theirs on public\.verse_texts uses progress_refresh"
    ):
        install.make_plan(host.connection, replace=True)


def test_what_calls_the_old_names_is_told_what_became_of_them(host: Host) -> None:
    """By the names of their arguments too, as PostgREST calls them."""
    run = host.connection.execute
    run("create role bp_test_web nosuperuser")
    run(
        "create function drain_a_few(p_limit integer default 10, out n bigint)"
        " language sql as 'select count(*) from progress_refresh_queue'"
    )
    run("revoke execute on function drain_a_few(integer) from public")
    run("grant execute on function drain_a_few(integer) to bp_test_web")
    run("create procedure process_queue() language sql as 'delete from progress_refresh_queue'")
    run(
        "create function refresh_progress_mine() returns void language sql"
        " as 'delete from progress_refresh_queue'"
    )
    run("revoke execute on function refresh_progress_mine from public")
    run("create role bp_test_nobody nosuperuser")
    before = catalog(host.connection)
    install.install(host.connection, replace=True)
    run("set local role bp_test_web")
    for call in (
        "select drain_progress_refresh_queue()",
        "select drain_a_few()",
        "select drain_a_few(p_limit => 5)",
        "select enqueue_progress_refresh('text', null)",
        "select refresh_progress_views_safely()",
        "call process_queue()",
    ):
        with pytest.raises(psycopg.Error) as told, host.connection.transaction():
            run(call)
        assert told.value.sqlstate == "BP014", call
        assert "was replaced by Bible Progress" in str(told.value)
        assert "worker" in (told.value.diag.message_hint or "")
    run("reset role")
    run("set local role bp_test_nobody")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), host.connection.transaction():
        run("select drain_a_few(5)")
    run("reset role")
    # Nobody else could call it.
    assert host.value("select to_regproc('refresh_progress_mine')") is None
    # Once more, and then without us: nothing of theirs or ours is left.
    run("drop view dashboard_totals, dashboard")
    install.install(host.connection)
    uninstall.uninstall(host.connection)
    names = ("refresh_progress", "drain_progress", "drain_a", "enqueue_progress", "process_queue")
    left = catalog(host.connection)
    assert left < before
    assert not [line for line in left if any(f"public', '{name}" in line for name in names)]


def test_a_view_that_our_types_do_not_allow_is_named_when_it_comes_to_it(host: Host) -> None:
    run = host.connection.execute
    run("drop materialized view mv_text_version_progress_summary cascade")
    run(
        "create materialized view mv_text_version_progress_summary as select text_version_id,"
        " covered_verses::text from text_version_progress_summary"
    )
    run(
        "create view theirs as select substr(covered_verses, 1, 1) as first_digit"
        " from mv_text_version_progress_summary"
    )
    assert "view public.theirs cannot be made again" in refusal(host.connection, replace=True)


# Names without the shape, or without what it would read: nobody's but the host's.
STRANGERS = {
    "create view text_book_coverage as select id from verse_texts": "view public.text_book_coverage",
    "create view text_book_coverage as select null::uuid as text_version_id, ''::text as book_id": (
        "view public.text_book_coverage"
    ),
    "create table mv_text_book_coverage (text_version_id uuid, book_id text)": (
        "table public.mv_text_book_coverage"
    ),
    "create table progress_refresh_dead_letter (id int)": (
        "table public.progress_refresh_dead_letter"
    ),
}


@pytest.mark.parametrize("statement", STRANGERS)
def test_what_is_not_certainly_part_of_it_is_refused(host: Host, statement: str) -> None:
    host.connection.execute(statement)  # type: ignore[arg-type]
    reason = refusal(host.connection, replace=True)
    assert STRANGERS[statement] in reason
    assert "mv_text_verse_coverage" not in reason


def test_an_error_in_the_middle_names_its_object_and_changes_nothing(host: Host) -> None:
    run = host.connection.execute
    run(
        "create function keep() returns event_trigger language plpgsql as $$ begin"
        " if exists (select from pg_event_trigger_dropped_objects()"
        "  where object_identity like '%mv_audio_verse_coverage') then"
        "  raise exception 'not this one'; end if; end $$"
    )
    run("create event trigger keep on sql_drop execute function keep()")
    reason = refusal(host.connection, replace=True)
    assert "materialized view public.mv_audio_verse_coverage" in reason
    assert "not this one" in reason


def test_readers_that_would_lose_something_are_named(host: Host) -> None:
    run = host.connection.execute
    run("create role bp_test_web nosuperuser")
    run("create role bp_test_owner nosuperuser")
    run("grant select on mv_text_version_progress_summary to bp_test_web")
    run("alter view dashboard owner to bp_test_owner")

    def notes(*readers: str) -> str:
        plan = install.make_plan(host.connection, replace=True, readers=readers)
        assert plan.replacement
        return " ".join(plan.replacement.notes)

    assert "--reader bp_test_web" in notes()
    assert "--reader bp_test_owner" in notes()
    assert "--reader" not in notes("bp_test_web", "bp_test_owner")


def test_in_production_it_wants_a_reason(host: Host) -> None:
    before = catalog(host.connection)
    with pytest.raises(GuardRefused):
        install.install(host.connection, replace=True, environment="production")
    assert_same_catalog(catalog(host.connection), before)
    install.install(
        host.connection, replace=True, environment="production", override="the new one is better"
    )
    assert host.value("select reason from progress.override") == "the new one is better"


def test_without_an_earlier_implementation_it_is_an_install(
    host_connection: Connection[Any],
) -> None:
    plan = install.install(host_connection, replace=True, environment="production")
    assert plan.replacement
    assert plan.replacement.drops == ()
    install.install(host_connection, replace=True)


def test_it_does_not_reach_into_an_installed_database(conn: Connection[Any]) -> None:
    """There the names are ours, and a function of the host may well use our queue."""
    conn.execute(
        "create function drain_notes() returns bigint language sql"
        " as 'select count(*) from progress_refresh_queue'"
    )
    before = catalog(conn)
    plan = install.install(conn, replace=True)
    assert plan.replacement
    assert plan.replacement.drops == ()
    assert_same_catalog(catalog(conn), before)
