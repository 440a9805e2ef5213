"""A Supabase project as its team has it: a folder of migrations, the real CLI, a hosted database."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from bible_progress import sql as our_sql
from bible_progress.embedded.server import EmbeddedPostgres
from support.npm import npm_program
from support.relay import tcp_address

CLI_VERSION = "3.1.0"
OWNER = "project_owner"
HOST_MIGRATION = "20240102030405_create_content.sql"
_SECONDS = 120

# Of a hosted project: the roles of its API, and an owner who is no superuser. What new projects
# do not have any more, and old ones still do: everything in public is granted to the API.
_ROLES = f"""
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
create role {OWNER} login createrole bypassrls password 'x';
grant anon, authenticated, service_role to {OWNER};
"""
_GENEROUS = f"""
alter default privileges for role {OWNER} in schema public
    grant all on tables to anon, authenticated, service_role;
alter default privileges for role {OWNER} in schema public
    grant all on functions to anon, authenticated, service_role;
"""
_SECURED = """
alter table text_versions enable row level security;
create policy everybody on text_versions for select to anon, authenticated using (true);
"""


class Hosted:
    """A server that resembles a hosted one, with databases that an ordinary role owns."""

    def __init__(self, url: str, address: tuple[str, int]) -> None:
        self.url = url
        self._address = address
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(_ROLES)

    def database(self) -> Database:
        """Make a database that the owner of the project owns."""
        name = f"project_{uuid4().hex[:12]}"
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute(
                sql.SQL("create database {} owner {} encoding 'UTF8' template template0").format(
                    sql.Identifier(name), sql.Identifier(OWNER)
                )
            )
        with psycopg.connect(self.url, dbname=name, autocommit=True) as admin:
            admin.execute(_GENEROUS)
        host, port = self._address
        return Database(
            cli_url=f"postgresql://{OWNER}:x@{host}:{port}/{name}?sslmode=disable",
            url=make_conninfo(self.url, dbname=name, user=OWNER),
            admin_url=make_conninfo(self.url, dbname=name),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database: as the CLI reaches it, as we do, and as its superuser does."""

    cli_url: str
    url: str
    admin_url: str

    def connect(self) -> Connection[Any]:
        return psycopg.connect(self.url, autocommit=True)


@contextmanager
def hosted() -> Iterator[Hosted]:
    """Run such a server; one with plpgsql_check where Debian has it, as Supabase does."""
    with (
        EmbeddedPostgres(binaries=_with_plpgsql_check(), durable=False) as server,
        tcp_address(server.url) as address,
    ):
        yield Hosted(server.url, address)


def _with_plpgsql_check() -> Path | None:
    for control in sorted(Path("/usr/share/postgresql").glob("*/extension/plpgsql_check.control")):
        binaries = Path("/usr/lib/postgresql") / control.parts[-3] / "bin"
        if (binaries / "postgres").exists():
            return binaries
    return None


class Project:
    """The folder of a team, with a migration of its own that makes the host tables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.migrations = folder / "supabase" / "migrations"
        self.migrations.mkdir(parents=True)
        (self.migrations / HOST_MIGRATION).write_text(
            our_sql.read("host/host_tables.sql") + _SECURED
        )
        self._program = npm_program("supabase", CLI_VERSION)

    def supabase(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the CLI to its end."""
        with self.started(*arguments) as process:
            out, err = process.communicate(timeout=_SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start the CLI; it is killed at the end if it still runs."""
        foreign = ("SUPABASE_", "PG", "DATABASE_URL")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        own = {"HOME": str(self.folder), "SUPABASE_TELEMETRY_DISABLED": "1", "DO_NOT_TRACK": "1"}
        with subprocess.Popen(
            [str(self._program), "--workdir", str(self.folder), *arguments],
            env=kept | own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def push(self, database: Database) -> subprocess.CompletedProcess[str]:
        return self.supabase("db", "push", "--yes", "--db-url", database.cli_url)
