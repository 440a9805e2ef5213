"""PostgREST that runs already serves what install makes, and lets go of what uninstall takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg

from acceptance.command_line import soon
from bible_progress.installing import install, uninstall
from bible_progress.installing.schema import contract_views
from bible_progress.rollout import moves as rollout
from postgrest.rest import postgrest

EMBEDDED = {"select": "name,mv_text_version_progress_summary(*),text_book_coverage(*)"}


def answers(rest: httpx.Client, path: str, **params: str) -> int:
    return rest.get(path, params=params).status_code


def test_a_server_that_runs_follows_install_moves_and_uninstall(
    new_host: Callable[[], str],
) -> None:
    url = new_host()
    with postgrest(url) as rest, psycopg.connect(url, autocommit=True) as connection:
        call = {"kind": "text", "version_id": "00000000-0000-0000-0000-000000000000"}
        assert answers(rest, "text_versions", **EMBEDDED) == 400
        assert answers(rest, "rpc/progress_tree", **call) == 404
        assert {answers(rest, relation) for relation in contract_views()} == {404}

        install.install(connection)
        assert soon(lambda: answers(rest, "text_versions", **EMBEDDED) == 200)
        assert answers(rest, "rpc/progress_tree", **call) == 200
        assert {answers(rest, relation) for relation in contract_views()} == {200}

        rollout.move(connection, 1)
        assert soon(lambda: answers(rest, "text_versions", **EMBEDDED) == 400)
        assert answers(rest, "text_versions", select="name,text_book_coverage(*)") == 200

        rollout.move(connection, 5)
        assert soon(lambda: answers(rest, "text_versions", **EMBEDDED) == 200)

        uninstall.uninstall(connection)
        assert soon(lambda: answers(rest, "text_versions", **EMBEDDED) == 400)
        assert answers(rest, "rpc/progress_tree", **call) == 404
        assert answers(rest, "text_versions") == 200


def test_who_calls_an_earlier_implementation_learns_what_came_instead(
    new_host: Callable[[], str],
) -> None:
    url = new_host()
    earlier = Path(__file__).parents[1] / "schema" / "earlier_implementation.sql"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(earlier.read_bytes())
        install.install(connection, replace=True)
        with postgrest(url) as rest:
            answer = rest.post("rpc/drain_progress_refresh_queue")
            assert (answer.status_code, answer.json()["code"]) == (400, "BP014")
            assert "bible-progress worker" in answer.json()["hint"]
