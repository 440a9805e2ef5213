"""The server that is measured, and the seeded worlds in it: versions of realistic shapes."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import world_sql as sql
from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from bible_progress import install, schema
from bible_progress.db import connect
from bible_progress.embedded import EmbeddedPostgres
from bible_progress.errors import BibleProgressError
from bible_progress.importers.canon import load_canon, packaged_canon

CANON = "eng-protestant"
BASE = "bench_base"
SETTINGS = {
    # Room enough that neither eviction nor a checkpoint falls into one variant and not the other.
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "max_connections": "60",
    # As an operator of a small server would have it; the default of one minute outlives most runs.
    "autovacuum_naptime": "5s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a version covers: books first to last, with gaps, recorded in one of three ways."""

    name: str
    first_book: int
    last_book: int
    missing_percent: int = 0
    recorded: str = "chapters"


WHOLE = Shape(name="whole Bible", first_book=1, last_book=66)
TESTAMENT = Shape(name="New Testament", first_book=40, last_book=66)
PORTION = Shape(name="portion", first_book=41, last_book=41, recorded="ranges")
TIMED_PORTION = Shape(name="timed portion", first_book=41, last_book=41, recorded="timings")
GAPS = Shape(name="with gaps", first_book=40, last_book=66, missing_percent=12, recorded="timings")
SHAPES = (WHOLE, TESTAMENT, PORTION, GAPS)

# Most versions in the world are a portion or a New Testament, few are whole.
MIXED = (WHOLE, TESTAMENT, PORTION, GAPS, PORTION, TESTAMENT, PORTION, GAPS, PORTION, PORTION)
# Cheap to build: for worlds where only the number of versions matters. All have Mark.
PORTIONS = (PORTION, TIMED_PORTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a world."""

    kind: str
    id: UUID
    shape: Shape


@dataclass(slots=True)
class World:
    """The versions of one database."""

    versions: list[Version] = field(default_factory=list)

    def of(self, kind: str) -> list[Version]:
        return [version for version in self.versions if version.kind == kind]


class Bench:
    """One embedded server with durable commits, and a template with install and canon."""

    def __init__(self, server: EmbeddedPostgres, *, quick: bool, seed: int) -> None:
        self.server = server
        self.quick = quick
        self.seed = seed
        self.server_version = ""
        with connect(server.url) as admin:
            admin.execute(SQL("create database {} template template0").format(Identifier(BASE)))
        with self.connect(BASE) as connection:
            self.server_version = str(connection.info.server_version)
            install.install(connection)
            load_canon(
                connection, packaged_canon(), bible_version_id=CANON, name="English Protestant"
            )
            connection.execute(sql.HELPERS)
            # The canon is not being changed here: what it signalled is history.
            connection.execute(sql.FORGET)
            connection.execute("vacuum (freeze, analyze)")

    def url(self, database: str) -> str:
        return self.server.url_for(database)

    def connect(self, database: str) -> Connection[Any]:
        """Open the same kind of connection as the worker does."""
        return connect(self.url(database), application_name="bible-progress bench")

    @contextmanager
    def database(self, name: str, template: str = BASE) -> Generator[str]:
        """Make a database for the block; the template must have no connections."""
        with connect(self.server.url) as admin:
            admin.execute(
                SQL("create database {} template {}").format(Identifier(name), Identifier(template))
            )
        try:
            yield name
        finally:
            # Only to save room: all of it goes with the server, which may be gone already.
            with suppress(psycopg.Error, BibleProgressError), connect(self.server.url) as admin:
                admin.execute(SQL("drop database {} with (force)").format(Identifier(name)))

    @contextmanager
    def twin(self, name: str) -> Generator[str]:
        """Make a copy of a database whose host tables nobody watches: what a write costs bare."""
        with self.database(f"{name}_bare", template=name) as bare:
            with self.connect(bare) as connection:
                for trigger, table in schema.triggers():
                    connection.execute(
                        SQL("alter table {} disable trigger {}").format(
                            Identifier("public", table), Identifier(trigger)
                        )
                    )
            yield bare


@contextmanager
def open_bench(*, quick: bool, seed: int) -> Generator[Bench]:
    """Start the server for the block; nothing of it stays."""
    with EmbeddedPostgres(durable=True, settings=SETTINGS) as server:
        yield Bench(server, quick=quick, seed=seed)


def build_world(
    connection: Connection[Any],
    *,
    text: int,
    audio: int,
    shapes: Sequence[Shape] = MIXED,
    first: Shape | None = None,
    seed: int = 1,
    tick: Callable[[float], None] | None = None,
) -> World:
    """Fill a database with versions whose rollups are fresh; `first` is the shape of number one.

    The first version of each shape is drained as ever, the others are copies of its rows and
    rollups: a thousand versions cost seconds. Triggers and foreign keys are off meanwhile.
    """
    chance = random.Random(seed)
    world = World()
    connection.execute("set synchronous_commit = off")
    done, total = 0, text + audio
    languages = _add_languages(connection, max(1, total // 4))
    for kind, count in (("text", text), ("audio", audio)):
        originals: dict[str, UUID] = {}
        for place in range(count):
            shape = first if first is not None and place == 0 else shapes[place % len(shapes)]
            version = Version(
                kind=kind, id=UUID(int=chance.getrandbits(128), version=4), shape=shape
            )
            world.versions.append(version)
            with connection.transaction():
                connection.execute("set local session_replication_role = replica")
                connection.execute(
                    sql.ADD_VERSION[kind],
                    {
                        "id": version.id,
                        "language": chance.choice(languages),
                        "canon": CANON,
                        "name": f"{shape.name} {place}",
                    },
                )
                if shape.name in originals:
                    parameters = {"id": version.id, "original": originals[shape.name]}
                    for statement in (*sql.COPY_CONTENT[kind], *sql.COPY_ROLLUPS):
                        connection.execute(statement, {**parameters, "kind": kind})
                else:
                    _fill(connection, version)
            if shape.name not in originals:
                originals[shape.name] = version.id
                drain_everything(connection, kind, version.id)
            done += 1
            if tick is not None:
                tick(done / total)
    connection.execute("reset synchronous_commit")
    connection.execute("vacuum (analyze)")
    return world


def drain_everything(connection: Connection[Any], kind: str, version_id: UUID) -> None:
    """Compute one version from its base tables."""
    connection.execute(sql.SIGNAL_VERSION, {"kind": kind, "id": version_id})
    connection.execute(sql.DRAIN, {"kind": kind, "id": version_id})


def values(
    connection: Connection[Any], statement: LiteralString, **parameters: object
) -> list[Any]:
    """Return the first column of a query."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [row[0] for row in cursor.execute(statement, parameters)]


def _add_languages(connection: Connection[Any], count: int) -> list[UUID]:
    return values(connection, sql.ADD_LANGUAGES, count=count)


def _fill(connection: Connection[Any], version: Version) -> None:
    shape = version.shape
    parameters = {
        "id": version.id,
        "first_book": shape.first_book,
        "last_book": shape.last_book,
        "missing_percent": shape.missing_percent,
    }
    statement = sql.WRITE_TEXTS if version.kind == "text" else sql.RECORD[shape.recorded]
    connection.execute(statement, parameters)
