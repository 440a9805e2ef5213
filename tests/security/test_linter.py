"""An installation is clean by the rules of Supabase's database linter, but for what is listed."""

import re
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from bible_progress.installing.schema import HOST_TABLES, contract_views
from schema.test_objects import TEXT_BODIES, UNPINNED
from security.linter import RULES
from security.supabase import Project

# Said so on docs/reference/security.md, with the reason.
ACCEPTED = {"0011": {*UNPINNED, *TEXT_BODIES}}


def complaints(connection: Connection[Any], rule: str) -> set[str]:
    """Return what a rule says of us, in schema progress and in public."""
    rows = connection.execute(
        RULES[rule], {"exposed": ["public"], "contract": list(contract_views())}
    ).fetchall()
    # The host's own; functions of such names are ours.
    host = () if "function" in rule else (*HOST_TABLES, "membership")
    return {name for schema, name in rows if schema in ("public", "progress") and name not in host}


@pytest.mark.parametrize("rule", RULES)
def test_the_linter_has_nothing_to_say(project: Project, rule: str) -> None:
    assert complaints(project.connection, rule) == ACCEPTED.get(rule[:4], set())


def test_what_is_accepted_is_named_with_its_reason() -> None:
    """And nothing else is: a name leaves the page with its function."""
    page = (Path(__file__).parents[2] / "docs/reference/security.md").read_text(encoding="utf-8")
    told = page.partition("*0011")[2].partition("*0026")[0]
    assert set(re.findall(r"`(\w+)`", told)) - {"progress"} == ACCEPTED["0011"]


OFFENCES = {
    "0006": "create policy second on progress.book_rollup for select using (true)",
    "0009": "create index on progress.worker (worker_id)",
    "0010": "alter view mv_text_book_coverage reset (security_invoker)",
    "0011": "alter function progress.tree reset search_path",
    "0013": "alter table progress_refresh_queue disable row level security;"
    " grant select on progress_refresh_queue to anon",
    "0014": "create extension pg_trgm schema public",
    "0016": "create materialized view mine as select 1; grant select on mine to anon",
    "0019": "alter table progress_refresh_queue disable row level security",
    "0024": "create policy open on progress.worker using (true)",
    "0026": "grant select (id) on progress_refresh_queue to authenticated",
    "0028": "grant execute on function progress_refresh to authenticated",
}


@pytest.mark.parametrize("number", OFFENCES)
def test_the_rules_find_what_they_are_for(project: Project, number: str) -> None:
    [rule] = [rule for rule in RULES if rule.startswith(number)]
    before = complaints(project.connection, rule)
    if number == "0014":
        found = project.connection.execute(
            "select from pg_available_extensions where name = 'pg_trgm'"
        )
        if not found.rowcount:
            pytest.skip("this server has no extension pg_trgm to make in public")
    project.connection.execute(OFFENCES[number])  # type: ignore[arg-type]
    assert complaints(project.connection, rule) > before
