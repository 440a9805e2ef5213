"""What belongs to what: a function for each relationship, which reads with its caller's rights."""

from typing import Any

import pytest
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from bible_progress.installing.schema import OWNING_TABLES, contract_views
from bible_progress.rollout import moves as rollout
from support.builders import World
from support.oracle import drain

_FUNCTIONS = (
    "select p.oid::regprocedure::text, p.prorettype::regtype::text, p.prorows = 1, p.prosecdef,"
    " p.provolatile::text, p.proconfig, p.proacl::text like '{=%%' or p.proacl is null"
    " from pg_proc p join pg_class s on s.reltype = p.proargtypes[0] and p.pronargs = 1"
    " where p.pronamespace = 'public'::regnamespace and p.proretset"
)


def test_every_relationship_is_a_function_and_no_function_is_anything_else(
    conn: Connection[Any],
) -> None:
    relationships = conn.execute(
        "select format('%I(%I)', target, source), target, is_one from progress.relationships"
    ).fetchall()
    found = conn.execute(_FUNCTIONS).fetchall()
    assert sorted(row[:3] for row in found) == sorted(relationships)
    assert len(found) == 56
    # Invoker, stable, pinned, and not for everybody.
    assert {(row[3], row[4], *row[5], row[6]) for row in found} == {
        (False, "s", "search_path=pg_catalog, pg_temp", False)
    }


def test_every_relation_of_the_contract_is_reached(conn: Connection[Any]) -> None:
    rows = conn.execute("select distinct target from progress.relationships").fetchall()
    assert {name for (name,) in rows} > set(contract_views())
    sources = conn.execute("select distinct source from progress.relationships").fetchall()
    assert {name for (name,) in sources} - set(contract_views()) == set(OWNING_TABLES)


def test_a_relationship_returns_what_a_join_would(conn: Connection[Any]) -> None:
    world = World(conn)
    world.canon()
    world.canon("other", prefix="other-")
    for language in (world.language("English"), world.language("Swahili")):
        world.text(world.text_version("eng", language), ["gen-1-1", "gen-1-2", "exod-2-2"])
        world.text(world.text_version("other", language), ["other-gen-2-1"])
        world.recording(world.audio_version("eng", language), chapter="gen-2")
    drain(conn)
    relationships = conn.execute(
        "select source, target, source_columns, target_columns from progress.relationships"
    ).fetchall()
    for source, target, source_columns, target_columns in relationships:
        names = {"source": Identifier(source), "target": Identifier(target)}
        joined = SQL(" and ").join(
            SQL("s.{} = t.{}").format(Identifier(one), Identifier(two))
            for one, two in zip(source_columns, target_columns, strict=True)
        )
        by_join = conn.execute(
            SQL("select s::text, t::text from {source} s join {target} t on ").format(**names)
            + joined
        ).fetchall()
        by_call = conn.execute(
            SQL("select s::text, t::text from {source} s, {target}(s) t").format(**names)
        ).fetchall()
        assert sorted(by_call) == sorted(by_join) != [], (source, target)


# How many relationships there are where some relations are not.
@pytest.mark.parametrize(("step", "expected"), [(1, 28), (2, 32), (3, 56), (4, 56), (5, 56)])
def test_a_step_has_the_relationships_of_its_relations(
    conn: Connection[Any], step: int, expected: int
) -> None:
    rollout.move(conn, step)
    assert conn.execute(_FUNCTIONS).rowcount == expected


def test_moves_there_and_back_make_them_anew(conn: Connection[Any]) -> None:
    before = conn.execute(_FUNCTIONS).fetchall()
    for step in (3, 1, 5):
        rollout.move(conn, step)
    assert sorted(conn.execute(_FUNCTIONS).fetchall()) == sorted(before)
