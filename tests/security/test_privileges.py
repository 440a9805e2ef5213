"""Every write and every read that is not allowed is refused, for every role and object of ours."""

from typing import Any

import psycopg
import pytest
from psycopg import Connection, errors, sql

from bible_progress.installing.schema import CONTRACT_TABLES, contract_views
from security.access import CLIENT_FUNCTIONS, EVERYBODY, READERS, relations, routines
from security.supabase import API_ROLES, Project, Site, acting_as

WORKER = {
    "due_versions", "drain_version", "is_backing_off", "record_lost_drain", "warm_up", "drain",
    "drain_deadline", "has_unsettled_changes", "require_schema",
    "hindrances", "audit", "beat", "leave", "guard", "current_status",
    "failures", "waiting_versions", "auditable_versions", "is_dirty", "why_dirty",
    "signal_unsignalled", "suspended",
    "drift", "repair", "wrong_totals", "version_list", "tree", "siblings", "book_list", "chapter_list", "chapter", "gap_list",
    "comparison", "history", "language_list", "language", "freshness", "freshness_of",
    "language_freshness", "version_states", "version_names", "overview", "progress_refresh",
}  # fmt: skip
ADMIN = WORKER | {
    "dead_letters", "retry_dead_letters", "discard_dead_letter", "signal_all", "signal_version",
    "measurements", "overrides",
}  # fmt: skip
ALLOWED: dict[str, set[str]] = {
    "anon": CLIENT_FUNCTIONS,
    "authenticated": CLIENT_FUNCTIONS,
    "service_role": CLIENT_FUNCTIONS | {"progress_refresh"},
    "progress_reader": CLIENT_FUNCTIONS,
    "progress_worker": WORKER,
    "progress_admin": ADMIN,
    "login_stranger": set(),
}

WRITES = (
    "insert into {} default values",
    "delete from {}",
    "truncate {}",
    "lock table {} in access exclusive mode",
    "alter table {} owner to {role}",
    "create trigger mine before insert on {} for each row execute function"
    " suppress_redundant_updates_trigger()",
    "create rule mine as on insert to {} do also select 1",
    "create index on {} ((1))",
    "comment on table {} is 'mine'",
    "drop table {}",
    "drop view {}",
)
SEQUENCE_USES = (
    "select setval({literal}, 1)",
    "select nextval({literal})",
    "select * from {}",
    "alter sequence {} restart",
)
# Refused for want of a right, or because no such statement fits what it is.
REFUSED = {"42501", "42809", "55000", "0A000"}


def state_of(connection: Connection[Any], role: str, statement: Any) -> str:
    """Return the SQLSTATE that a statement of a role ends with; 00000 for success."""
    try:
        with acting_as(connection, role):
            connection.execute(statement)
            raise psycopg.Rollback
    except psycopg.Error as error:
        return error.sqlstate or "?"
    return "00000"


@pytest.mark.parametrize("role", EVERYBODY)
def test_nobody_writes_to_anything_of_ours_nor_changes_it(project: Project, role: str) -> None:
    found = relations(project.connection)
    assert len(found) > 60
    for name, _, _, kind in found:
        parts = [sql.Identifier(part) for part in _parts(project.connection, name)]
        for text in SEQUENCE_USES if kind == "S" else WRITES:
            statement = sql.SQL(text).format(
                sql.SQL(".").join(parts), role=sql.Identifier(role), literal=sql.Literal(name)
            )
            state = state_of(project.connection, role, statement)
            assert state in REFUSED, f"{role}: {statement.as_string(project.connection)}: {state}"
    # Every column that could be set, for views that can be written to.
    for name, column in project.connection.execute(
        "select a.attrelid::regclass::text, quote_ident(min(a.attname)) from pg_attribute a"
        " where a.attnum > 0 and not a.attisdropped and a.attrelid = any("
        " select unnest(%s::text[])::regclass) group by 1",
        [[name for name, _, _, kind in found if kind != "S"]],
    ).fetchall():
        statement = f"update {name} set {column} = {column}"
        assert state_of(project.connection, role, statement) in REFUSED, f"{role}: {statement}"


@pytest.mark.parametrize("role", EVERYBODY)
def test_only_readers_read_and_only_the_contract(project: Project, role: str) -> None:
    contract = set(contract_views())
    for name, plain, is_internal, kind in relations(project.connection):
        if kind == "S":
            continue
        state = state_of(project.connection, role, f"select * from {name} limit 1")
        if not is_internal and plain in contract and role in READERS:
            # A reader outside Supabase needs the host tables too, which are the host's to grant.
            assert state == "00000" or (role == "progress_reader" and state == "42501"), name
        else:
            assert state == "42501", f"{role} reads {name}"


@pytest.mark.parametrize("role", EVERYBODY)
def test_a_role_calls_what_it_needs_and_nothing_else(project: Project, role: str) -> None:
    """Allowed calls with nothing in them may fail, but not for want of a right."""
    allowed = ALLOWED[role]
    found = routines(project.connection)
    assert {name for _, name, _, _ in found} >= ADMIN | CLIENT_FUNCTIONS
    for signature, name, _, call in found:
        state = state_of(project.connection, role, call)
        if name not in allowed:
            assert state == "42501", f"{role} calls {signature}: {state}"
        elif role != "progress_reader":
            assert state != "42501", f"{role} may not call {signature}"


@pytest.mark.parametrize("role", EVERYBODY)
def test_nobody_replaces_or_drops_our_functions(project: Project, role: str) -> None:
    for signature, name, is_internal, _ in routines(project.connection):
        schema = "progress" if is_internal else "public"
        for statement in (
            f"drop routine {signature}",
            f"alter routine {signature} security invoker",
            f"alter routine {signature} reset search_path",
            f"create or replace function {schema}.{name}() returns int language sql as 'select 1'",
        ):
            assert state_of(project.connection, role, statement) in REFUSED, f"{role}: {statement}"
    for statement in (
        "create table progress.mine (id int)",
        "drop schema progress cascade",
        "alter schema progress rename to mine",
    ):
        assert state_of(project.connection, role, statement) == "42501"


def test_what_is_made_later_is_not_open_to_the_public(project: Project) -> None:
    """PostgreSQL lets everybody call a new function; the schema does not."""
    project.connection.execute("create function progress.later() returns int return 1")
    for role in ("anon", "authenticated", "service_role", "progress_reader", "login_stranger"):
        assert state_of(project.connection, role, "select progress.later()") == "42501"


@pytest.mark.parametrize("role", API_ROLES)
@pytest.mark.parametrize(
    "trick",
    [
        "set local role progress_admin",
        "set local role progress_worker",
        "set local session authorization postgres",
        "set local role none; select * from public.progress_refresh_queue",
        "grant progress_admin to {role}",
        "select set_config('role', 'postgres', true)",
        "select set_config('session_replication_role', 'replica', true)",
        "alter function public.progress_tree set search_path = public",
    ],
)
def test_a_login_that_is_no_superuser_gets_no_further(site: Site, role: str, trick: str) -> None:
    """As PostgREST: a login that may become the API roles, and nothing else."""
    with psycopg.connect(site.url("authenticator")) as client:
        client.execute(f"set local role {role}")  # type: ignore[arg-type]
        with pytest.raises(errors.InsufficientPrivilege):
            client.execute(trick.format(role=role))  # type: ignore[arg-type]


def test_a_worker_forges_no_signal_and_reads_no_dead_letter(project: Project) -> None:
    """What it may call changes nothing about a version that has no work and no drift."""
    run = project.connection.execute
    version = project.shown["text"]
    with acting_as(project.connection, "progress_worker"):
        row = run("select progress.repair('text', %s)", [version]).fetchone()
        assert row == (False,)
        run("select progress.record_lost_drain('text', %s, 'forged')", [version])
        run("select progress.leave(gen_random_uuid())")
    for table in ("progress_refresh_queue", "progress_refresh_dead_letter", "progress.failure"):
        assert run(f"select from {table}").rowcount == 0  # type: ignore[arg-type]


def _parts(connection: Connection[Any], name: str) -> list[str]:
    row = connection.execute("select parse_ident(%s)", [name]).fetchone()
    assert row is not None
    return row[0]


def test_no_right_may_be_passed_on(project: Project) -> None:
    rows = project.connection.execute(
        "select c.oid::regclass::text, a.grantee::regrole::text from pg_class c,"
        " aclexplode(c.relacl) a where a.is_grantable and a.grantee <> c.relowner"
        " union all select p.oid::regprocedure::text, a.grantee::regrole::text from pg_proc p,"
        " aclexplode(p.proacl) a where a.is_grantable and a.grantee <> p.proowner"
        " and p.proname like 'progress%' or p.pronamespace = 'progress'::regnamespace"
        " and a.is_grantable and a.grantee <> p.proowner"
    ).fetchall()
    assert rows == []


def test_the_queue_has_no_policy_and_no_grant(project: Project) -> None:
    for table in CONTRACT_TABLES:
        row = project.connection.execute(
            "select relrowsecurity, (select count(*) from pg_policies where tablename = relname),"
            " (select count(*) from aclexplode(relacl) a where a.grantee <> relowner)"
            " from pg_class where relname = %s",
            [table],
        ).fetchone()
        assert row == (True, 0, 0)
