"""What an installed database holds: pinned, commented, keyed, and nothing that we did not list."""

import re
from typing import Any

import pytest
from psycopg import Connection

from bible_progress import sql
from bible_progress.installing import schema
from bible_progress.installing.schema import CONTRACT_TABLES, HOST_TABLES

# Functions without a pinned search_path, and why; their bodies are resolved when they are made.
UNPINNED = {
    "fraction": "inlined into every view of fractions",
    "chapter_fraction": "inlined into every view of fractions",
    "written_range": "inlined where ranges are written",
    "is_complete": "inlined into every view of chapters and books",
    "coverage_status": "inlined into every document",
    "percent": "inlined into every document",
    "folded_name": "inlined where thousands of names are searched",
    "natural_key": "inlined where thousands of names are ordered",
    "rank": "inlined into orders by it",
    "text_counts": "inlined, so that the filter is no call a row",
    "blank_characters": "folded into a constant",
    "blank_code_points": "folded into a constant",
    "media_counts": "inlined, so that the filter is no call a row",
    "strategy": "inlined, so that other strategies leave the plans",
    "drain": "a procedure that commits may not change a setting",
    "audit": "a procedure that commits may not change a setting",
}
# What others than the installing role may call runs as that role, and so do triggers. Everything
# else runs with the rights of who calls it, which inside of these is the same.
DEFINER = {
    "tree": "progress_tree, the API",
    "gap_list": "progress_gaps, the API",
    "comparison": "progress_compare, the API",
    "language": "progress_best_versions, the API",
    "version_list": "the API",
    "siblings": "the dashboard",
    "overview": "the dashboard",
    "version_names": "operations",
    "book_list": "the API",
    "chapter_list": "the API",
    "chapter": "the API",
    "history": "the API",
    "language_list": "the API",
    "freshness": "the API",
    "freshness_of": "the API",
    "language_freshness": "the API",
    "version_states": "live updates",
    "progress_refresh": "service_role, schedulers",
    "due_versions": "drains",
    "drain_version": "drains",
    "is_backing_off": "drains",
    "record_lost_drain": "drains",
    "warm_up": "drains",
    "has_unsettled_changes": "drains",
    "require_schema": "drains",
    "suspended": "drains",
    "beat": "the worker",
    "leave": "the worker",
    "auditable_versions": "audits",
    "is_dirty": "audits",
    "why_dirty": "audits",
    "drift": "audits",
    "repair": "audits",
    "signal_unsignalled": "drains and audits",
    "wrong_totals": "audits",
    "current_status": "the status",
    "failures": "the status",
    "hindrances": "the status",
    "waiting_versions": "the status",
    "guard": "operations",
    "signal_all": "operations",
    "signal_version": "operations",
    "dead_letters": "operations",
    "retry_dead_letters": "operations",
    "discard_dead_letter": "operations",
    "measurements": "operations",
    "overrides": "operations",
}
# Inlined into materialized views, which must not depend on views that an install makes anew: their
# bodies are text, and fully qualified.
TEXT_BODIES = {
    "computed_verses",
    "computed_chapters",
    "computed_books",
    "computed_versions",
    "computed_best_versions",
}


def functions(connection: Connection[Any]) -> list[dict[str, Any]]:
    rows = connection.execute(
        "select p.proname, p.prokind::text, p.prosecdef, p.proconfig, l.lanname,"
        " p.prosqlbody is not null, p.prorettype::regtype::text, p.oid"
        " from pg_proc p join pg_language l on l.oid = p.prolang"
        " where p.pronamespace = 'progress'::regnamespace or p.pronamespace ="
        " 'public'::regnamespace and p.proname like 'progress%'"
    ).fetchall()
    keys = ("name", "kind", "definer", "config", "language", "resolved", "returns", "oid")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def test_every_function_pins_its_search_path(conn: Connection[Any]) -> None:
    """Temporary objects come last: left out, they would come first, their types before `text`."""
    for function in functions(conn):
        pinned = "search_path=pg_catalog, pg_temp" in (function["config"] or [])
        assert pinned is (function["name"] not in {*UNPINNED, *TEXT_BODIES}), function["name"]


def test_functions_that_are_not_pinned_are_resolved_when_made_or_fully_qualified(
    conn: Connection[Any],
) -> None:
    unpinned = [f for f in functions(conn) if f["name"] in UNPINNED]
    assert {f["name"] for f in unpinned} == UNPINNED.keys()
    for function in unpinned:
        assert not function["definer"]
        if function["kind"] == "f":
            assert (function["language"], function["resolved"]) == ("sql", True)


def test_only_triggers_and_what_others_call_run_as_their_owner(conn: Connection[Any]) -> None:
    for function in functions(conn):
        expected = function["returns"] == "trigger" or function["name"] in DEFINER
        assert function["definer"] is expected, function["name"]
    assert {f["name"] for f in functions(conn)} >= DEFINER.keys()


def test_functions_for_clients_are_resolved_when_made(conn: Connection[Any]) -> None:
    """So that they reach schema progress for callers who may not use it by name."""
    for_clients = [
        f
        for f in functions(conn)
        if f["name"].startswith("progress_") and f["name"] != "progress_refresh"
    ]
    assert len(for_clients) == 4
    for function in for_clients:
        assert (function["language"], function["resolved"]) == ("sql", True), function["name"]
        assert not function["definer"]


def test_no_trigger_joins_the_rows_of_its_statement(conn: Connection[Any]) -> None:
    """They have no index, and a plan made for one row would compare each of a million with each."""
    for row in conn.execute(
        "select p.proname, p.prosrc from pg_proc p where p.pronamespace = 'progress'::regnamespace"
        " and p.prorettype = 'trigger'::regtype"
    ).fetchall():
        assert not re.search(r"join (old|new)_rows|\bin \(\s*(select|table)", row[1]), row[0]


def test_no_function_has_an_overload(conn: Connection[Any]) -> None:
    names = [function["name"] for function in functions(conn)]
    assert sorted(names) == sorted(set(names))


def test_there_is_nothing_that_the_files_do_not_make(conn: Connection[Any]) -> None:
    texts = [sql.read(path) for path in (*schema.migrations(), *schema.objects())]

    def made(pattern: str) -> set[str]:
        return {
            ".".join(match) for text in texts for match in re.findall(pattern, text, re.MULTILINE)
        }

    relations = conn.execute(
        "select relnamespace::regnamespace || '.' || relname from pg_class where relkind not in"
        " ('i', 'S') and relnamespace in ('progress'::regnamespace, 'public'::regnamespace)"
    ).fetchall()
    expected = made(r"^create (?:table|(?:or replace )?view) (\w+)\.(\w+)")
    assert {name for (name,) in relations} == expected | {f"public.{t}" for t in HOST_TABLES}

    routines = conn.execute(
        "select pronamespace::regnamespace || '.' || proname from pg_proc"
        " where pronamespace in ('progress'::regnamespace, 'public'::regnamespace)"
        " and oid <> all (array(select to_regprocedure(target || '(' || source || ')')"
        " from progress.relationships))"
    ).fetchall()
    assert {name for (name,) in routines} == made(
        r"^create or replace (?:function|procedure) (\w+)\.(\w+)"
    )
    others = conn.execute(
        "select typname from pg_type where typtype in ('e', 'd', 'r')"
        " and typnamespace in ('progress'::regnamespace, 'public'::regnamespace)"
    ).fetchall()
    assert others == []


def test_every_table_that_signals_has_a_trigger_for_each_kind_of_statement(
    conn: Connection[Any],
) -> None:
    rows = conn.execute(
        "select tgrelid::regclass::text, tgname, tgenabled::text from pg_trigger"
        " where not tgisinternal"
    ).fetchall()
    assert {(table, name, enabled) for table, name, enabled in rows} == {
        (table, f"progress_{statement}", "O")
        for table in schema.WATCHED
        for statement in ("insert", "update", "delete", "truncate")
    }


def test_every_function_and_view_has_a_comment_that_is_a_sentence(conn: Connection[Any]) -> None:
    rows = conn.execute(
        "select p.oid::regprocedure::text, obj_description(p.oid, 'pg_proc') from pg_proc p"
        " where p.pronamespace = 'progress'::regnamespace"
        " union all"
        " select c.oid::regclass::text, obj_description(c.oid, 'pg_class') from pg_class c"
        " where c.relkind = 'v'"
        " and c.relnamespace in ('progress'::regnamespace, 'public'::regnamespace)"
    ).fetchall()
    bad = [name for name, comment in rows if not comment or not comment.endswith(".")]
    assert bad == []
    # The same text twice is a comment copied and not changed.
    comments = [comment for _, comment in rows]
    assert [c for c in comments if comments.count(c) > 1] == []


def test_every_table_of_ours_has_a_primary_key(conn: Connection[Any]) -> None:
    """A host that publishes all tables cannot update or delete in one without."""
    rows = conn.execute(
        "select c.oid::regclass::text from pg_class c where c.relkind in ('r', 'p')"
        " and (c.relnamespace = 'progress'::regnamespace or c.relname = any(%s))"
        " and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)",
        [list(CONTRACT_TABLES)],
    ).fetchall()
    assert rows == []


def test_no_rollup_indexes_a_column_that_changes(conn: Connection[Any]) -> None:
    """Then updates stay in their page, which fillfactor leaves room for."""
    rows = conn.execute(
        "select c.relname, c.reloptions, array_agg(i.indisprimary)"
        " from pg_class c join pg_index i on i.indrelid = c.oid"
        " where c.oid in ('progress.chapter_bitmap'::regclass, 'progress.book_rollup'::regclass,"
        " 'progress.version_rollup'::regclass, 'progress.version_history'::regclass)"
        " group by c.oid"
    ).fetchall()
    assert len(rows) == 4
    for name, options, primary in rows:
        assert "fillfactor=70" in options, name
        assert primary == [True], name


@pytest.mark.parametrize("table", CONTRACT_TABLES)
def test_queue_and_dead_letters_are_closed_to_everybody_else(
    conn: Connection[Any], table: str
) -> None:
    security = conn.execute("select relrowsecurity from pg_class where relname = %s", [table])
    assert security.fetchone() == (True,)
    policies = conn.execute("select from pg_policies where tablename = %s", [table]).fetchall()
    assert policies == []
    granted = conn.execute(
        "select a.grantee::regrole::text, a.privilege_type from pg_class c,"
        " aclexplode(c.relacl) a where c.relname = %s and a.grantee <> c.relowner",
        [table],
    ).fetchall()
    assert granted == []


def test_plpgsql_check_finds_nothing(conn: Connection[Any]) -> None:
    there = conn.execute(
        "select from pg_available_extensions where name = 'plpgsql_check'"
    ).fetchone()
    if there is None:
        pytest.skip("this server has no plpgsql_check to look into function bodies with")
    conn.execute("create extension plpgsql_check")
    # A statement trigger's function is checked with both transition tables: which of them is
    # there depends on the operation, as the function's own branches do.
    rows = conn.execute(
        "select distinct p.oid::regprocedure::text, c.lineno, c.level, c.message"
        " from pg_proc p join pg_language l on l.oid = p.prolang"
        " left join pg_trigger t on t.tgfoid = p.oid"
        " cross join lateral plpgsql_check_function_tb(p.oid, coalesce(t.tgrelid, 0),"
        " oldtable => case when t.tgtype & 1 = 0 then 'old_rows' end,"
        " newtable => case when t.tgtype & 1 = 0 then 'new_rows' end,"
        # A set returned by `return query` does not assign the names of its columns.
        " extra_warnings => false) c"
        " where p.pronamespace = 'progress'::regnamespace and l.lanname = 'plpgsql'"
    ).fetchall()
    assert rows == []
