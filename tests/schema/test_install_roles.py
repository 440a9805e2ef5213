"""install --create-roles, and what is granted to roles that are there already."""

from typing import Any

import pytest
from psycopg import Connection

from bible_progress.errors import InstallRefused
from bible_progress.installing import install, schema, uninstall

_ROLES = "select rolname, rolcanlogin from pg_roles where rolname = any(%s) order by rolname"


def roles(connection: Connection[Any]) -> list[tuple[str, bool]]:
    return connection.execute(_ROLES, [list(schema.ROLES)]).fetchall()


@pytest.fixture
def bare(host_connection: Connection[Any]) -> Connection[Any]:
    """A database with host tables, on a server without our roles."""
    if roles(host_connection):
        pytest.skip("this server has our roles already, and they are of the whole server")
    return host_connection


def test_missing_roles_are_made_without_login_and_once(bare: Connection[Any]) -> None:
    bare.execute("create role progress_worker")
    plan = install.make_plan(bare, create_roles=True)
    assert plan.creates_roles == ("progress_reader", "progress_admin")
    assert sum("create role" in step for step in plan.steps()) == 2
    install.install(bare, create_roles=True)
    assert roles(bare) == [(name, False) for name in sorted(schema.ROLES)]
    assert install.install(bare, create_roles=True).creates_roles == ()
    row = bare.execute(
        "select has_function_privilege('progress_worker', 'progress.current_status()', 'execute')"
    ).fetchone()
    assert row == (True,)


def test_roles_are_not_made_unasked(bare: Connection[Any]) -> None:
    install.install(bare)
    assert roles(bare) == []


def test_a_role_that_is_made_may_be_named_as_a_reader(bare: Connection[Any]) -> None:
    install.install(bare, create_roles=True, readers=["progress_reader"])
    assert len(roles(bare)) == 3


def test_a_role_that_may_not_create_roles_is_told_what_to_ask_for(bare: Connection[Any]) -> None:
    run = bare.execute
    run("create role bp_test_builder")
    database = bare.info.dbname
    run(f"grant create on database {database} to bp_test_builder")  # type: ignore[arg-type]
    for table in schema.HOST_TABLES:
        run(f"alter table {table} owner to bp_test_builder")  # type: ignore[arg-type]
    run("alter schema public owner to bp_test_builder")
    run("set local role bp_test_builder")
    with pytest.raises(InstallRefused) as refused:
        install.install(bare, create_roles=True)
    assert "bp_test_builder may not create roles" in str(refused.value)
    for name in schema.ROLES:
        assert f"create role {name} nologin;" in (refused.value.hint or "")
    install.install(bare)
    run("reset role")
    # The administrator does it: whoever installs next uses them.
    run("create role progress_worker nologin")
    run("set local role bp_test_builder")
    assert install.install(bare, create_roles=False).creates_roles == ()
    run("reset role")
    row = run("select has_schema_privilege('progress_worker', 'progress', 'usage')").fetchone()
    assert row == (True,)


def test_uninstall_keeps_the_roles_and_says_so(bare: Connection[Any]) -> None:
    install.install(bare, create_roles=True)
    removal = uninstall.uninstall(bare)
    assert any(line.startswith("roles progress_reader, progress_worker") for line in removal.kept)
    assert len(roles(bare)) == 3


def test_a_function_of_the_host_by_our_name_is_in_the_way(bare: Connection[Any]) -> None:
    bare.execute(
        "create function progress_refresh(seconds numeric, within text) returns int return seconds"
    )
    with pytest.raises(InstallRefused, match=r"function public.progress_refresh\(numeric,text\)"):
        install.install(bare)
