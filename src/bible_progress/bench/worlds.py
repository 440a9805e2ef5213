"""The server that is measured, and the seeded worlds in it: versions of realistic shapes."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from .. import sql
from ..db import connect_as_host, translated
from ..errors import BibleProgressError, DatabaseRefused
from ..importers.canon import load_canon, packaged_canon
from ..installing import install, schema

QUERIES = sql.queries("bench")
WRITES = {
    "chapters": {"text": "write_texts", "audio": "record_chapters"},
    "ranges": {"text": "write_texts", "audio": "record_ranges"},
    "timings": {"text": "write_texts", "audio": "record_timings"},
    "listed": {"text": "write_listed_texts", "audio": "record_listed_chapters"},
}
COPIES = {"text": "copy_texts", "audio": "copy_recordings"}
COPIED_ROLLUPS = ("copy_bitmaps", "copy_books", "copy_version", "copy_history")

CANON = "eng-protestant"
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
    """What a version covers: books first to last, with gaps, recorded in one of three ways.

    Where it is `listed`, `places` are the ids of its verses (text) or chapters (audio).
    """

    name: str
    first_book: int = 1
    last_book: int = 66
    missing_percent: int = 0
    recorded: str = "chapters"
    places: tuple[str, ...] = ()


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


# The same for both kinds, or of each its own.
Shapes = Sequence[Shape] | Mapping[str, Sequence[Shape]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a world."""

    kind: str
    id: UUID
    shape: Shape


@dataclass(slots=True)
class World:
    """The versions of one database."""

    versions: list[Version] = field(default_factory=list[Version])

    def of(self, kind: str) -> list[Version]:
        return [version for version in self.versions if version.kind == kind]


class Bench:
    """A server to make databases on, and a template of them with install and canon.

    `versions` is the size of the worlds, `data` a folder of real coverage to take shapes from.
    """

    def __init__(
        self,
        url: str,
        *,
        versions: int,
        quick: bool = False,
        seed: int = 1,
        data: Path | None = None,
    ) -> None:
        self.server = url
        self.versions = versions
        self.quick = quick
        self.seed = seed
        self.data = data
        self.server_version = ""
        self.has_jit = False
        self._token = f"bible_progress_bench_{uuid4().hex[:8]}"
        self._base = f"{self._token}_base"

    @contextmanager
    def opened(self) -> Generator[Bench]:
        """Make the template for the block. Raises DatabaseRefused where that is not allowed."""
        with connect_as_host(self.server) as admin:
            if not values(admin, "may_create_databases")[0]:
                raise DatabaseRefused(
                    f"role {admin.info.user} may not create databases, and bench works in its own",
                    hint="Give it CREATEDB, or unset DATABASE_URL for the embedded server.",
                )
        with self._made(self._base, "template0"):
            with connect_as_host(self._url(self._base)) as connection:
                self.server_version = connection.info.parameter_status("server_version") or ""
                self.has_jit = values(connection, "has_jit")[0]
                install.install(connection)
                load_canon(
                    connection, packaged_canon(), bible_version_id=CANON, name="English Protestant"
                )
                connection.execute(QUERIES["helpers"])
                # The canon is not being changed here: what it signalled is history.
                connection.execute(QUERIES["forget"])
                connection.execute(QUERIES["vacuum_freeze"])
            yield self

    def url(self, database: str) -> str:
        """Return the URL of a database that `database` made."""
        return self._url(f"{self._token}_{database}")

    def connect(self, database: str) -> Connection[Any]:
        """Open a connection as a host has it."""
        return connect_as_host(self.url(database), application_name="bible-progress bench")

    @contextmanager
    def database(self, name: str, template: str | None = None) -> Generator[str]:
        """Make a database for the block; the template must have no connections."""
        source = self._base if template is None else f"{self._token}_{template}"
        with self._made(f"{self._token}_{name}", source):
            yield name

    @contextmanager
    def twin(self, name: str) -> Generator[str]:
        """Make a copy of a database whose host tables nobody watches: what a write costs bare."""
        with self.database(f"{name}_bare", template=name) as bare:
            with self.connect(bare) as connection:
                watch(connection, on=False)
            yield bare

    def _url(self, name: str) -> str:
        return make_conninfo(self.server, dbname=name)

    @contextmanager
    def _made(self, name: str, template: str) -> Generator[None]:
        try:
            # An interrupt may come when it is made already.
            with translated(), connect_as_host(self.server) as admin:
                admin.execute(
                    SQL("create database {} template {}").format(
                        Identifier(name), Identifier(template)
                    )
                )
            yield
        finally:
            # The server may be gone already, and with it the database where it is our own.
            with suppress(psycopg.Error, BibleProgressError), connect_as_host(self.server) as admin:
                admin.execute(
                    SQL("drop database if exists {} with (force)").format(Identifier(name))
                )


def watch(connection: Connection[Any], *, on: bool) -> None:
    """Enable or disable our triggers."""
    for trigger, table in schema.triggers():
        connection.execute(
            SQL("alter table {} {} trigger {}").format(
                Identifier("public", table),
                SQL("enable" if on else "disable"),
                Identifier(trigger),
            )
        )


def build_world(
    connection: Connection[Any],
    *,
    text: int,
    audio: int,
    shapes: Shapes = MIXED,
    first: Shape | None = None,
    seed: int = 1,
    tick: Callable[[float], None] | None = None,
) -> World:
    """Fill a database with versions whose rollups are fresh; `first` is the shape of number one.

    The first version of each shape is drained as ever, the others are copies of its rows and
    rollups: a thousand versions cost seconds. Our triggers are off meanwhile.
    """
    chance = random.Random(seed)
    world = World()
    connection.execute(QUERIES["lazy_commits"])
    watch(connection, on=False)
    done, total = 0, text + audio
    languages = values(connection, "add_languages", count=max(1, total // 4))
    for kind, count in (("text", text), ("audio", audio)):
        originals: dict[str, UUID] = {}
        for place in range(count):
            pool = shapes[kind] if isinstance(shapes, Mapping) else shapes
            shape = first if first is not None and place == 0 else pool[place % len(pool)]
            version = Version(
                kind=kind, id=UUID(int=chance.getrandbits(128), version=4), shape=shape
            )
            world.versions.append(version)
            with connection.transaction():
                connection.execute(
                    QUERIES[f"add_{kind}_version"],
                    {
                        "id": version.id,
                        "language": chance.choice(languages),
                        "canon": CANON,
                        "name": f"{shape.name} {place}",
                    },
                )
                if shape.name in originals:
                    parameters = {"id": version.id, "original": originals[shape.name]}
                    for name in (COPIES[kind], *COPIED_ROLLUPS):
                        connection.execute(QUERIES[name], {**parameters, "kind": kind})
                else:
                    _fill(connection, version)
            if shape.name not in originals:
                originals[shape.name] = version.id
                drain_everything(connection, kind, version.id)
            done += 1
            if tick is not None:
                tick(done / total)
    watch(connection, on=True)
    connection.execute(QUERIES["durable_commits"])
    connection.execute(QUERIES["vacuum"])
    return world


def drain_everything(connection: Connection[Any], kind: str, version_id: UUID) -> None:
    """Compute one version from its base tables."""
    connection.execute(QUERIES["signal_version"], {"kind": kind, "id": version_id})
    connection.execute(QUERIES["drain"], {"kind": kind, "id": version_id})


def values(connection: Connection[Any], name: str, **parameters: object) -> list[Any]:
    """Return the first column of the query `name`."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [row[0] for row in cursor.execute(QUERIES[name], parameters)]


def _fill(connection: Connection[Any], version: Version) -> None:
    shape = version.shape
    statement = WRITES[shape.recorded][version.kind]
    connection.execute(
        QUERIES[statement],
        {
            "id": version.id,
            "first_book": shape.first_book,
            "last_book": shape.last_book,
            "missing_percent": shape.missing_percent,
            "places": list(shape.places),
        },
    )
