"""Projects with API roles and row security, on a server of their own: roles are of a whole server.

`project` and `guarded` roll back what a test does; `site` is a database of the test's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from bible_progress.embedded.server import database_server
from security.supabase import BY_ORGANISATION, BY_OWNER, Project, Site, make_project

POLICIES = {"by owner": BY_OWNER, "by organisation": BY_ORGANISATION}


@pytest.fixture(scope="session")
def roles_server() -> Iterator[str]:
    with database_server(
        None, durable=False, settings={"jit": "off", "max_connections": "100"}
    ) as url:
        yield url


@pytest.fixture(scope="session")
def projects(roles_server: str) -> Iterator[dict[str, Project]]:
    """A project of each policy, committed once; nothing of a test may stay in them."""
    made: dict[str, Project] = {}
    with psycopg.connect(roles_server, autocommit=True) as admin:
        for policy, text in POLICIES.items():
            url = make_conninfo(roles_server, dbname=policy.replace(" ", "_"))
            admin.execute(
                sql.SQL("create database {} template template0 encoding 'UTF8' locale 'C'").format(
                    sql.Identifier(policy.replace(" ", "_"))
                )
            )
            connection = psycopg.connect(url, autocommit=True)
            made[policy] = make_project(connection, text, roles=True)
            connection.autocommit = False
        yield made
        for project in made.values():
            project.connection.close()


@pytest.fixture
def project(projects: dict[str, Project]) -> Iterator[Project]:
    """A project where versions show to their makers."""
    yield from _rolled_back(projects["by owner"])


@pytest.fixture(params=POLICIES)
def guarded(projects: dict[str, Project], request: pytest.FixtureRequest) -> Iterator[Project]:
    """A project with either policy, in which `owner` sees `mine` and `other` does not."""
    yield from _rolled_back(projects[request.param])


def _rolled_back(project: Project) -> Iterator[Project]:
    # Opened here: the first `with connection.transaction()` of a test would commit otherwise.
    project.connection.execute("select")
    yield project
    project.connection.rollback()


@pytest.fixture(scope="session")
def site_project(roles_server: str, projects: dict[str, Project]) -> Project:
    """The project in database `site`, which nobody is connected to: it is there to be cloned."""
    with psycopg.connect(roles_server, autocommit=True) as admin:
        admin.execute("create database site template template0 encoding 'UTF8' locale 'C'")
    with psycopg.connect(make_conninfo(roles_server, dbname="site"), autocommit=True) as owner:
        return make_project(owner, BY_OWNER, roles=True)


@pytest.fixture
def site(roles_server: str, site_project: Project) -> Iterator[Site]:
    """A project of the test's own, with logins that are members of our roles."""
    name = f"bp_site_{uuid4().hex[:12]}"
    with psycopg.connect(roles_server, autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template site strategy file_copy").format(
                sql.Identifier(name)
            )
        )
        with psycopg.connect(make_conninfo(roles_server, dbname=name), autocommit=True) as owner:
            yield Site(site_project.through(owner))
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def session(site: Site) -> Iterator[Connection[Any]]:
    """A second connection of the owner to `site`."""
    with psycopg.connect(site.owner_url, autocommit=True) as connection:
        yield connection
