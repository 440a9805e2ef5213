"""A database as an operator meets it: content, numbers, and ways to spoil them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from psycopg import Connection, sql

from support import oracle
from support.builders import World

BLOCKED_DRAIN = (
    "select from pg_stat_activity where datname = current_database()"
    " and wait_event_type = 'Lock' and query like '%%drain_version%%'"
)


class Installation:
    """An installed database seen through one autocommit connection."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self.world = World(connection)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]

    def value(self, query: str, *parameters: object) -> Any:
        return self.rows(query, *parameters)[0][0]

    def run(self, statement: str, *parameters: object) -> None:
        self.connection.execute(statement, parameters or None)  # type: ignore[arg-type]

    def texts(self, count: int, *, drained: bool = True) -> list[UUID]:
        """Make a small canon and texts that each have two of its verses."""
        if not self.value("select count(*) from bible_versions"):
            self.world.canon()
        versions = [self.world.text_version(name=f"Text {n}") for n in range(count)]
        for version in versions:
            self.world.text(version, ["gen-1-1", "exod-2-1"])
        if drained:
            self.drain()
        return versions

    def drain(self) -> None:
        oracle.drain(self.connection)

    def touch(self, version: UUID, verse: str = "gen-1-2") -> None:
        """Add a verse to a text, which leaves a signal."""
        self.world.text(version, [verse])

    def load(self, count: int) -> list[UUID]:
        """Make texts as a data dump does that switches triggers off."""
        self.run("set session_replication_role = replica")
        versions = self.texts(count, drained=False)
        self.run("reset session_replication_role")
        return versions

    def leave_work(self, chapter: str) -> None:
        """Leave signals, and changes of structure and recordings that have not settled."""
        self.run(
            "update verses set verse_number = 9 where id ="
            " (select min(v.id) from verses v where v.chapter_id = %s)",
            chapter,
        )
        self.run("update media_files set chapter_id = %s", chapter)
        self.run("delete from verse_texts where verse_id = (select min(verse_id) from verse_texts)")
        assert self.queued()
        assert self.value("select count(*) from progress.unsettled_change")

    def use_numbers(self) -> None:
        """Give out many more transaction numbers than another server of a test does."""
        self.run(
            "do $$ begin for n in 1..20000 loop"
            " perform pg_current_xact_id(); commit; end loop; end $$"
        )

    def covered(self, version: UUID) -> int:
        """Return the stored number of verses."""
        query = "select covered_verses from progress.version_rollup where version_id = %s"
        return self.value(query, version)

    def queued(self) -> int:
        return self.value("select count(*) from progress_refresh_queue")

    def dead(self) -> int:
        return self.value("select count(*) from progress_refresh_dead_letter")

    def plant_drift(self, version: UUID) -> None:
        """Make the stored numbers of a version wrong behind the engine's back."""
        self.run(
            "update progress.version_rollup set covered_verses = covered_verses + 1"
            " where version_id = %s",
            version,
        )

    def fail_drains_of(self, version: UUID, error: str = "broken") -> None:
        """Make every drain that changes the summary of a version fail, by a trigger."""
        self.connection.execute(
            sql.SQL(
                "create function public.fail() returns trigger language plpgsql as $f$ begin"
                " if new.version_id = {version} then raise exception using message = {error};"
                " end if; return new; end $f$"
            ).format(version=sql.Literal(version), error=sql.Literal(error))
        )
        self.run(
            "create trigger fail before insert or update on progress.version_rollup"
            " for each row execute function public.fail()"
        )

    def stop_failing(self) -> None:
        self.run("drop function public.fail() cascade")

    def bury(self, version: UUID, error: str = "broken") -> UUID:
        """Let a drain of a version fail for good; return the id of its one dead letter."""
        # An older release counts attempts.
        by_time = self.rows(
            "select from information_schema.columns"
            " where table_schema = 'progress' and column_name = 'dead_after'"
        )
        at_once, later = (
            ("dead_after = '0'", "dead_after = '1 day'")
            if by_time
            else ("max_attempts = 1", "max_attempts = 8")
        )
        self.run(f"update progress.settings set {at_once}")
        self.touch(version)
        self.fail_drains_of(version, error)
        outcome = self.value("select outcome from progress.drain_version('text', %s)", version)
        assert outcome == "dead"
        self.stop_failing()
        self.run(f"update progress.settings set {later}")
        query = "select id from progress_refresh_dead_letter where version_id = %s"
        return self.value(query, version)

    def assert_right(self) -> None:
        """Assert that stored, live and exact are the same everywhere."""
        oracle.assert_same(self.connection)

    def relations(self) -> list[tuple[str, str]]:
        """Return what stands in the schemas that install writes to."""
        return self.rows(
            "select relnamespace::regnamespace::text, relname::text from pg_class"
            " where relnamespace::regnamespace::text in ('public', 'progress')"
            " union all"
            " select pronamespace::regnamespace::text, proname::text from pg_proc"
            " where pronamespace::regnamespace::text in ('public', 'progress')"
            " union all"
            " select tgrelid::regclass::text, tgname::text from pg_trigger where not tgisinternal"
            " order by 1, 2"
        )


@contextmanager
def held(connection: Connection[Any], version: UUID) -> Iterator[None]:
    """Hold the summary row of a version: a drain that changes it waits in the middle."""
    with connection.transaction():
        connection.execute(
            "select from progress.version_rollup where version_id = %s for update", [version]
        )
        yield
