"""Partitioned host tables: what is written through them counts; what is not is found."""

import re
from typing import Any

import psycopg
import pytest
from catalog import assert_same_catalog, catalog
from hypothesis.stateful import initialize, rule
from psycopg import Connection

from bible_progress import sql
from bible_progress.engine.audit import audit
from bible_progress.engine.drain import signal_all
from bible_progress.errors import InstallRefused
from bible_progress.installing import doctor, export, install, uninstall
from bible_progress.rollout import moves as rollout
from oracle import edits
from oracle.checks import assert_right, forget_unsettled
from oracle.machine import EVERY_EDIT, Edits, search
from support import oracle
from support.builders import World
from support.recount import assert_live_matches

HOST_TABLES = sql.read("host/host_tables.sql")

# how: {table: (partition key, columns of the primary key, statements that make the partitions)}
HASH = "create table {0}_{1} partition of {0} for values with (modulus 3, remainder {1})"
SHAPES: dict[str, dict[str, tuple[str, str, list[str]]]] = {
    "by hash of the version": {
        "verse_texts": (
            "hash (text_version_id)",
            "id, text_version_id",
            [HASH.format("verse_texts", n) for n in range(3)],
        ),
        "media_files": ("hash (id)", "id", [HASH.format("media_files", n) for n in range(3)]),
        "media_files_verses": (
            "hash (media_file_id)",
            "id, media_file_id",
            [HASH.format("media_files_verses", n) for n in range(3)],
        ),
    },
    "by list of versions, with a default": {
        "verse_texts": (
            "list (text_version_id)",
            "id, text_version_id",
            [
                "create schema old_texts",
                f"create table old_texts.one partition of verse_texts for values in ('{edits.TEXTS[0]}')",
                "create table texts_of_others partition of verse_texts default",
            ],
        ),
        # Files of no version too, hence no primary key; and so no foreign key of the timings.
        "media_files": (
            "list (audio_version_id)",
            "",
            [
                f"create table files_one partition of media_files for values in ('{edits.AUDIOS[0]}')",
                "create table files_none partition of media_files for values in (null)",
                "create table files_of_others partition of media_files default",
            ],
        ),
    },
    "by ranges, in two levels": {
        "verse_texts": (
            "range (text_version_id)",
            "id, text_version_id, verse_id",
            [
                f"create table texts_low partition of verse_texts"
                f" for values from (minvalue) to ('{edits.TEXTS[1]}') partition by hash (verse_id)",
                *(HASH.format("texts_low", n) for n in range(3)),
                f"create table texts_high partition of verse_texts"
                f" for values from ('{edits.TEXTS[1]}') to (maxvalue)",
            ],
        ),
        # By month and the like: nothing of it is in a rule of ours.
        "media_files": (
            "range (publish_status)",
            "",
            [
                "create table files_low partition of media_files"
                " for values from (minvalue) to ('pending')",
                "create table files_high partition of media_files"
                " for values from ('pending') to (maxvalue)",
            ],
        ),
        "media_files_verses": (
            "range (verse_id)",
            "id, verse_id",
            [
                "create table timings_low partition of media_files_verses"
                " for values from (minvalue) to ('gen-1-2')",
                "create table timings_high partition of media_files_verses"
                " for values from ('gen-1-2') to (maxvalue)",
            ],
        ),
    },
    "every table": {
        table: ("hash (id)", "id", [HASH.format(table, n) for n in range(3)])
        for table in (
            "users",
            "bible_versions",
            "books",
            "chapters",
            "verses",
            "language_entities",
            "audio_versions",
            "text_versions",
            "media_files",
        )
    },
}


def partitioned(shape: str) -> str:
    """Return the host tables in this shape."""
    text = HOST_TABLES
    for table, (key, primary, partitions) in SHAPES[shape].items():
        [found] = re.findall(rf"create table public\.{table} \(.*?\n\);\n", text, re.DOTALL)
        made = re.sub(r"(\n    id (?:uuid|text)) primary key", r"\1 not null", found)
        if primary:
            made = made.replace("\n);", f",\n    primary key ({primary})\n);")
        made = made.replace("\n);", f"\n) partition by {key};")
        text = text.replace(found, made + "".join(f"{p};\n" for p in partitions))
    if "media_files" in SHAPES[shape] and SHAPES[shape]["media_files"][1] != "id":
        text = text.replace(" references public.media_files (id) on delete cascade", "")
    return text


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def host(shape: str, empty_connection: Connection[Any]) -> Connection[Any]:
    empty_connection.execute("set local search_path = public")
    empty_connection.execute(partitioned(shape))  # type: ignore[arg-type]
    return empty_connection


@pytest.fixture
def installed(host: Connection[Any]) -> Connection[Any]:
    install.install(host)
    return host


class PartitionedEdits(Edits):
    """As files without a key that is their id alone allow them."""

    has_keys: bool

    @initialize()
    def begin(self) -> None:
        super().begin()
        edits.start(self.connection)
        oracle.drain(self.connection)

    @rule(change=EVERY_EDIT)
    def edit(self, change: edits.Edit) -> None:
        statement, parameters = change
        if not self.has_keys and statement.startswith("insert into media_files (id"):
            self.connection.execute("delete from media_files where id = %(file)s", parameters)
            statement = statement.partition(" on conflict")[0]
        self.connection.execute(statement, parameters)


def test_no_sequence_of_edits_and_drains_breaks_a_promise_there(
    shape: str, installed: Connection[Any]
) -> None:
    PartitionedEdits.has_keys = SHAPES[shape]["media_files"][1] == "id"
    search(PartitionedEdits, installed, examples=5)


class Partitioned(World):
    """A text with a verse and a recording of a chapter, drained."""

    def __init__(self, connection: Connection[Any]) -> None:
        super().__init__(connection)
        edits.start(connection)
        self.one, self.two, _ = edits.TEXTS
        self.text(self.one, ["gen-1-1"])
        oracle.drain(connection)

    def covered(self, kind: str = "text") -> set[tuple[str, str]]:
        """Return (version, verse) of all that is stored after everything was found right."""
        assert_right(self.connection)
        rows = self.connection.execute(
            f"select right({kind}_version_id::text, 2), verse_id from mv_{kind}_verse_coverage"  # type: ignore[arg-type]
        )
        return set(rows.fetchall())


def partitioned_by(world: Partitioned, table: str) -> str | None:
    row = world.connection.execute("select pg_get_partkeydef(%s::regclass)", [table]).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def world(installed: Connection[Any]) -> Partitioned:
    world = Partitioned(installed)
    forget_unsettled(installed)
    return world


def test_a_row_that_moves_to_another_partition_is_signalled_at_both_places(
    world: Partitioned,
) -> None:
    """PostgreSQL deletes it here and inserts it there; the statement is still an update."""
    run = world.connection.execute
    run(
        "update verse_texts set text_version_id = %s, verse_id = 'v-gen-1-2'"
        " where verse_id = 'gen-1-1'",
        [world.two],
    )
    dirty = run("select version_id from progress.dirty where kind = 'text'").fetchall()
    assert {version for (version,) in dirty} == {world.one, world.two}
    assert world.covered() == {("02", "v-gen-1-2")}
    run("update media_files set audio_version_id = %s", [edits.AUDIOS[1]])
    run("update media_files set chapter_id = 'v-gen-1'")
    assert world.covered("audio") == {("0c", "v-gen-1-1"), ("0c", "v-gen-1-2")}
    run("update media_files set publish_status = 'archived'")
    assert world.covered("audio") == set()


def test_copy_and_truncate_of_the_table_are_signalled(world: Partitioned) -> None:
    copy = "copy verse_texts (text_version_id, verse_id, verse_text) from stdin"
    with world.connection.cursor().copy(copy) as rows:
        rows.write_row((world.one, "gen-1-2", "Words."))
        rows.write_row((world.two, "v-gen-1-1", "Words."))
    assert world.covered() == {("01", "gen-1-1"), ("01", "gen-1-2"), ("02", "v-gen-1-1")}
    world.connection.execute("truncate verse_texts")
    assert world.covered() == set()


def test_deletes_that_cascade_into_partitions_are_signalled(world: Partitioned) -> None:
    world.text(world.two, ["v-gen-1-1"])
    assert len(world.covered()) == 2
    world.connection.execute("delete from verses where id = 'gen-1-1'")
    assert world.covered() == {("02", "v-gen-1-1")}
    world.connection.execute("delete from text_versions where id = %s", [world.two])
    assert world.covered() == set()


def test_what_is_written_to_a_partition_by_its_name_is_found_and_repaired(
    world: Partitioned,
) -> None:
    run = world.connection.execute
    if not partitioned_by(world, "verse_texts"):
        pytest.skip("texts are in one table")
    text = edits.TEXTS[0]
    partition = run(
        "select tableoid::regclass::text from verse_texts where text_version_id = %s", [text]
    ).fetchone()
    assert partition is not None
    run(f"update {partition[0]} set deleted_at = now()")  # type: ignore[arg-type]
    assert run("select from progress.dirty").fetchone() is None
    found = audit(world.connection, repair=True)
    assert [v.version_id for v in found.drifted] == [text]
    assert world.covered() == set()


def test_attach_and_detach_are_right_again_after_the_refresh_that_the_guide_names(
    world: Partitioned,
) -> None:
    run = world.connection.execute
    run("set local search_path = public, old_texts")
    [(name, bound)] = run(
        "select c.oid::regclass::text, pg_get_expr(c.relpartbound, c.oid)"
        " from pg_class c join pg_inherits i on i.inhrelid = c.oid"
        " where i.inhparent = 'media_files'::regclass"
        " and c.oid = (select tableoid from media_files)"
    ).fetchall()
    run(f"alter table media_files detach partition {name}")  # type: ignore[arg-type]
    assert run("select from progress.dirty").fetchone() is None
    for refreshed, covered in (
        ("detached", set[tuple[str, str]]()),
        ("attached", {("0b", "gen-1-1"), ("0b", "gen-1-2")}),
    ):
        if refreshed == "attached":
            run(f"alter table media_files attach partition {name} {bound}")  # type: ignore[arg-type]
        assert audit(world.connection).drifted
        signal_all(world.connection)
        assert world.covered("audio") == covered


def test_reads_and_drains_of_a_version_stay_within_its_partition(
    world: Partitioned, shape: str
) -> None:
    """Those of a default or of another hash are never looked at, nor are their indexes."""
    if "text_version_id" not in SHAPES[shape].get("verse_texts", ("",))[0]:
        pytest.skip("partitioned by something else: every partition may hold the version")
    run = world.connection.execute
    world.text(world.two, ["v-gen-1-1", "v-gen-1-2"])
    own = run(
        "select tableoid::regclass from verse_texts where text_version_id = %s limit 1", [world.two]
    ).fetchone()
    assert own is not None
    looks = (
        "select relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0)"
        " from pg_stat_xact_user_tables join pg_inherits on inhrelid = relid"
        " where inhparent = 'verse_texts'::regclass"
    )
    before = dict(run(looks).fetchall())
    run("select from progress.exact_chapters('text', %s)", [world.two])
    run("select progress.drain_version('text', %s)", [world.two])
    looked = {name for name, count in run(looks).fetchall() if count > before[name]}
    assert looked == {own[0].rpartition(".")[2]}


@pytest.mark.parametrize("strategy", ["views", "matview"])
def test_every_strategy_counts_them(host: Connection[Any], strategy: str) -> None:
    install.install(host, strategy=strategy)
    world = Partitioned(host)
    rows = host.execute("select verse_id from progress.stored_verses where kind = 'text'")
    assert rows.fetchall() == [("gen-1-1",)]
    assert_live_matches(world.connection)
    assert strategy == "views" or world.covered() == {("01", "gen-1-1")}


def test_an_exported_file_takes_them_and_uninstall_leaves_them(host: Connection[Any]) -> None:
    # As the edits have it.
    for table in ("audio_versions", "text_versions"):
        host.execute(f"alter table {table} alter created_at drop not null")  # type: ignore[arg-type]
    before = catalog(host)
    host.execute(export.render().encode())
    Partitioned(host)
    assert_right(host)
    host.execute("delete from verse_texts; delete from media_files")
    uninstall.uninstall(host)
    assert_same_catalog(catalog(host), before)


# --- What doctor says.


def found(connection: Connection[Any]) -> dict[str, doctor.Finding]:
    return {f.check.name: f for f in doctor.examine(connection, shown=50).findings}


def mend(connection: Connection[Any], finding: doctor.Finding) -> None:
    assert finding.statements
    for statement in finding.statements:
        # A partitioned table has no concurrent statement; a test cannot run one either.
        connection.execute(statement)  # type: ignore[arg-type]


def test_doctor_says_what_to_know_of_each_and_nothing_else(
    host: Connection[Any], shape: str
) -> None:
    host.execute("set local jit = off")  # which some servers have on
    findings = found(host)
    assert set(findings) <= {"partitioned_tables", "missing_foreign_keys"}
    told = " ".join(findings["partitioned_tables"].rows)
    for table, (key, _, _) in SHAPES[shape].items():
        assert f"public.{table} is partitioned by {key.upper().split()[0]}" in told
    # A key of the id alone cannot be had, so no statement is offered that would fail.
    assert "missing_foreign_keys" not in findings or not findings["missing_foreign_keys"].statements
    if shape == "by list of versions, with a default":
        assert "old_texts.one" in told


@pytest.fixture
def hashed(empty_connection: Connection[Any]) -> Connection[Any]:
    """A host with every content table partitioned by hash."""
    empty_connection.execute("set local search_path = public")
    empty_connection.execute(partitioned("by hash of the version"))  # type: ignore[arg-type]
    return empty_connection


TROUBLE = {
    "writable_partitions": (
        "create role bp_test_writer nosuperuser;"
        "grant insert on verse_texts_1 to bp_test_writer;"
        "grant update (verse_text) on verse_texts_2 to public",
        "bp_test_writer may write to public.verse_texts_1, a partition of public.verse_texts",
    ),
    "unlogged_tables": (
        "alter table verse_texts_2 set unlogged",
        "public.verse_texts_2 is unlogged",
    ),
    "autovacuum_off": (
        "alter table media_files_0 set (autovacuum_enabled = off)",
        "autovacuum is off for public.media_files_0",
    ),
    "replica_identity": (
        "create publication p for table verse_texts;"
        "alter table verse_texts_1 replica identity nothing",
        "public.verse_texts_1 is published by p and has no replica identity",
    ),
    "missing_indexes": (
        "drop index media_files_audio_version_id_chapter_id_idx",
        "public.media_files (audio_version_id, chapter_id)",
    ),
    "unique_pairs": (
        "alter table verse_texts drop constraint verse_texts_text_version_id_verse_id_key",
        "public.verse_texts has no unique index on (text_version_id, verse_id)",
    ),
    "missing_foreign_keys": (
        "alter table verse_texts drop constraint verse_texts_verse_id_fkey",
        "public.verse_texts.verse_id may name a row that public.verses does not have",
    ),
    "stale_statistics": (
        "insert into bible_versions values ('c', 'c');"
        "insert into books values ('b', 'b', 1, 'c');"
        "insert into chapters values ('b-1', 1, 'b');"
        "insert into verses select 'b-1-' || n, n, 'b-1' from generate_series(1, 9) n;"
        "insert into language_entities (id, name) values (gen_random_uuid(), 'l');"
        "insert into text_versions (language_entity_id, bible_version_id, name)"
        " select id, 'c', 't' from language_entities;"
        "insert into verse_texts (text_version_id, verse_id, verse_text)"
        " select t.id, v.id, 'Words.' from text_versions t, verses v; analyze verse_texts_0;"
        "analyze verse_texts_1; analyze verse_texts_2",
        "public.verse_texts was never analyzed",
    ),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_with_a_partition_is_found_and_its_fix_ends_it(
    hashed: Connection[Any], name: str
) -> None:
    cause, words = TROUBLE[name]
    hashed.execute(cause)  # type: ignore[arg-type]
    finding = found(hashed)[name]
    assert words in " | ".join(finding.rows)
    mend(hashed, finding)
    assert name not in found(hashed)
    install.install(hashed)


REFUSED = {
    "is a partition of": (
        "create table all_texts (like verse_texts including all) partition by hash (text_version_id);"
        "drop table verse_texts; create table verse_texts partition of all_texts"
        " for values with (modulus 1, remainder 0)"
    ),
    "has the foreign table public.far_away for a partition": (
        "create foreign data wrapper w; create server s foreign data wrapper w;"
        "drop table media_files cascade;"
        "create table media_files (like old_files) partition by list (publish_status);"
        "create foreign table far_away partition of media_files default server s"
    ),
    "cannot have one while it is partitioned by publish_status": (
        "create table t (like verse_texts) partition by list (publish_status);"
        "drop table verse_texts; alter table t rename to verse_texts"
    ),
    "cannot have one while it is partitioned by an expression": (
        "create table t (like verse_texts) partition by hash (left(verse_id, 3));"
        "drop table verse_texts; alter table t rename to verse_texts"
    ),
    "inherit from each other": "create table more () inherits (users)",
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_work_is_refused_with_its_reason(hashed: Connection[Any], reason: str) -> None:
    hashed.execute("create table old_files (like media_files)")
    hashed.execute(REFUSED[reason])  # type: ignore[arg-type]
    with pytest.raises(InstallRefused, match=re.escape(reason)):
        install.install(hashed)
    # No statement is offered that could not be run.
    if "partitioned by" in reason:
        assert not found(hashed)["unique_pairs"].statements


def test_indexes_that_are_missing_are_made_by_the_rollout(empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(partitioned("by hash of the version"))  # type: ignore[arg-type]
        connection.execute("drop index media_files_audio_version_id_chapter_id_idx")
        connection.execute("drop index verses_chapter_id_idx")
        made = rollout.create_indexes(connection)
        assert [("concurrently" in statement) for statement in made] == [True, False]
        assert rollout.pending_indexes(connection) == ()
