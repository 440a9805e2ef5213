"""A database as a Supabase project has it: API roles, default privileges, row security everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from bible_progress.installing import install
from bible_progress.installing.schema import HOST_TABLES, ROLES
from support.builders import World
from support.oracle import drain

API_ROLES = ("anon", "authenticated", "service_role")
VERSION_TABLES = ("audio_versions", "text_versions")

# Who a request is from, as PostgREST tells it and auth.uid() reads it.
_UID = "(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid"

# By owner: a version shows to whoever made it; drafts of nobody show to all.
BY_OWNER = f"created_by is null or created_by = {_UID}"
# By organisation: a version shows to the members of its maker's organisation.
BY_ORGANISATION = (
    "created_by is null or exists (select from public.membership as maker"
    " join public.membership as reader using (organisation)"
    f" where maker.user_id = created_by and reader.user_id = {_UID})"
)


def prepare(connection: Connection[Any]) -> None:
    """Make the API roles, as on a project from before 2026: everything in public is theirs."""
    run = connection.execute
    for role in API_ROLES:
        if run("select from pg_roles where rolname = %s", [role]).rowcount == 0:
            bypass = " bypassrls" if role == "service_role" else ""
            run(sql.SQL("create role {}" + bypass).format(sql.Identifier(role)))
    for what in ("tables", "routines", "sequences"):
        run(f"grant all on all {what} in schema public to anon, authenticated, service_role")  # type: ignore[arg-type]
        run(
            f"alter default privileges in schema public grant all on {what}"  # type: ignore[arg-type]
            " to anon, authenticated, service_role"
        )
    run("grant usage on schema public to anon, authenticated, service_role")
    run("create table membership (user_id uuid, organisation text)")


def secure(connection: Connection[Any], policy: str) -> None:
    """Let clients in: everything is granted, and `policy` says which versions show."""
    run = connection.execute
    for table in HOST_TABLES:
        run(f"grant all on {table} to anon, authenticated, service_role")  # type: ignore[arg-type]
        run(f"alter table {table} enable row level security")  # type: ignore[arg-type]
        shown = policy if table in VERSION_TABLES else "true"
        run(f"create policy shown on {table} for select to anon, authenticated using ({shown})")  # type: ignore[arg-type]


@contextmanager
def acting_as(
    connection: Connection[Any], role: str, user: UUID | None = None
) -> Iterator[Connection[Any]]:
    """Run the block as a request of `user` would, in a block that an error undoes."""
    claims = json.dumps({"role": role, "sub": str(user)} if user else {"role": role})
    with connection.transaction():
        connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        yield connection
        connection.execute("reset role")


def value(connection: Connection[Any], statement: str, *parameters: object) -> Any:
    """Return the one value of a statement."""
    row = connection.execute(statement, parameters).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


class Project:
    """A project with two languages; of each kind one version that all see and one of a user's own.

    `mine` of either kind is the fuller one, so it is best for whoever sees it.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self.world = World(connection)
        self.owner, self.colleague, self.other = uuid4(), uuid4(), uuid4()
        for user, organisation in (
            (self.owner, "tree"),
            (self.colleague, "tree"),
            (self.other, "stone"),
        ):
            connection.execute("insert into users (id) values (%s)", [user])
            connection.execute("insert into membership values (%s, %s)", [user, organisation])
        self.world.canon()
        self.language = self.world.language("Kanite")
        self.dialect = self.world.language("Upper Kanite")
        connection.execute(
            "update language_entities set parent_id = %s where id = %s",
            [self.language, self.dialect],
        )
        self.shown = {
            "text": self.world.text_version("eng", self.language, name="Shown text"),
            "audio": self.world.audio_version("eng", self.language, name="Shown recording"),
        }
        self.mine = {
            "text": self.world.text_version("eng", self.language, name="My text"),
            "audio": self.world.audio_version("eng", self.language, name="My recording"),
        }
        for table in VERSION_TABLES:
            connection.execute(
                f"update {table} set created_by = %s where id = any(%s)",  # type: ignore[arg-type]
                [self.owner, list(self.mine.values())],
            )
        self.world.text(self.shown["text"], ["gen-1-1", "exod-1-2"])
        self.world.text(self.mine["text"], ["gen-1-1", "gen-1-2", "gen-2-1", "exod-1-1"])
        self.world.recording(self.shown["audio"], chapter="gen-1")
        self.world.recording(self.mine["audio"], start="gen-1-1", end="exod-1-2")

    def through(self, connection: Connection[Any]) -> Project:
        """Return the same project in a clone of its database."""
        there = copy(self)
        there.connection = connection
        there.world = World(connection)
        return there

    def drain(self) -> None:
        """Store everything."""
        self.connection.execute("delete from progress.unsettled_change")
        drain(self.connection)


# Logins and what each is a member of.
LOGINS: dict[str, tuple[str, ...]] = {
    **{role: (role,) for role in ROLES},
    "authenticator": API_ROLES,
    "stranger": (),
}


class Site:
    """A project that may be committed to, and who connects to it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.connection = project.connection

    @property
    def owner_url(self) -> str:
        return self.connection.info.dsn

    def url(self, login: str) -> str:
        """Return the URL of the database for one of LOGINS."""
        return make_conninfo(self.owner_url, user=f"login_{login}")


def make_logins(connection: Connection[Any]) -> None:
    """Make LOGINS where they are missing; they stay as long as the server."""
    for login, roles in LOGINS.items():
        name = f"login_{login}"
        if connection.execute("select from pg_roles where rolname = %s", [name]).rowcount == 0:
            inherit = "noinherit" if login == "authenticator" else "inherit"
            connection.execute(
                sql.SQL("create role {} login " + inherit).format(sql.Identifier(name))
            )
            for role in roles:
                connection.execute(
                    sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(name))
                )


def make_project(connection: Connection[Any], policy: str, *, roles: bool = False) -> Project:
    """Adopt Bible Progress on a project with content; everything is stored."""
    prepare(connection)
    install.install(connection, create_roles=roles)
    if roles:
        make_logins(connection)
    project = Project(connection)
    secure(connection, policy)
    project.drain()
    return project
