"""A changed definition is a change: what is stored follows, on every step, and readers stay."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from acceptance.installation import Installation
from bible_progress import sql
from bible_progress.installing import install, schema
from bible_progress.rollout import moves as rollout
from support import oracle
from upgrades.newer_package import NewerPackage
from upgrades.test_upgrades import apply, refresh, text_of

READER = "bp_test_measures"
# Each makes "Words." of the second chapter count for nothing, at another place of what is computed.
REDEFINITIONS: dict[str, tuple[str, Callable[[str], str]]] = {
    "a view": (
        "objects/live/text_verses.sql",
        lambda text: text.replace("tv.deleted_at is null", "v.chapter_id <> 'exod-2'", 1),
    ),
    "a function that it calls": (
        "objects/rules/text_counts.sql",
        lambda text: text.replace("return p_deleted_at is null", "return p_verse_text = ''", 1),
    ),
    "what writes": (
        "objects/live/live_bitmaps.sql",
        lambda text: f"{text}\nselect 1;\n",
    ),
}


@pytest.fixture
def later(tmp_path: Path) -> NewerPackage:
    """A later release without another migration."""
    return NewerPackage(tmp_path / "later", None)


def live(site: Installation) -> int:
    return site.value("select sum(covered_verses)::int from text_version_progress_summary")


def exact(site: Installation) -> int:
    return site.value(
        "select sum(e.covered_verses)::int from text_versions v"
        " cross join lateral progress.exact_version('text', v.id) e"
    )


@pytest.mark.parametrize(
    ("case", "way", "step"),
    [
        *(
            (case, "install", step)
            for case in REDEFINITIONS
            for step in (schema.TRIGGERS, schema.INCREMENTAL)
        ),
        *((case, "export", schema.INCREMENTAL) for case in REDEFINITIONS),
    ],
)
def test_a_changed_definition_signals_every_version(
    site: Installation,
    database: str,
    later: NewerPackage,
    tmp_path: Path,
    case: str,
    way: str,
    step: int,
) -> None:
    rollout.move(site.connection, step)
    site.texts(2)
    site.world.recording(site.world.audio_version(), chapter="gen-1")
    site.drain()
    assert site.queued() == 0
    stored = live(site)
    later.edit(*REDEFINITIONS[case])
    dry = later(database, "install", "--dry-run")
    assert "queue every version, since what its numbers are computed from" in dry.out
    if way == "install":
        later(database, "install").assert_done()
    else:
        flags = ("--strategy", schema.strategy(step))
        folder = tmp_path / "migrations"
        later(database, "export", "supabase", "--out", folder, *flags).assert_done()
        [file] = folder.iterdir()
        site.connection.execute(file.read_bytes())
    assert site.rows("select distinct kind from progress_refresh_queue order by 1") == [
        ("audio",),
        ("text",),
    ]
    assert exact(site) == live(site)
    assert (live(site) == stored) == (case == "what writes")
    site.drain()
    oracle.assert_same(site.connection)
    later(database, "install").assert_done()
    assert site.queued() == 0


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("objects/live/text_verse_coverage.sql", lambda text: f"-- Said otherwise.\n\n{text}"),
        ("objects/documents/version_list.sql", lambda text: f"{text}\nselect 1;\n"),
    ],
)
def test_what_changes_no_number_signals_nothing(
    site: Installation,
    database: str,
    later: NewerPackage,
    path: str,
    change: Callable[[str], str],
) -> None:
    site.texts(2)
    later.edit(path, change)
    assert "queue every version" not in later(database, "install", "--dry-run").out
    later(database, "install").assert_done()
    assert site.queued() == 0


def test_a_database_that_does_not_say_what_it_was_made_of_is_signalled(
    empty_database: str,
) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(text_of("0.1.0-main").encode())
        site = Installation(connection)
        site.texts(2)
        assert install.make_plan(connection).redefines_numbers
        install.install(connection)
        assert site.queued() == 2


@pytest.mark.parametrize("step", schema.STEPS)
def test_the_files_that_numbers_are_computed_from_are_known(step: int) -> None:
    """Every rule, view and writer below a stored number; nothing that only reads them."""
    files = schema.number_files(step)
    views = {path for path in schema.objects(step) if schema.views_of(path)} - {
        path for path in schema.objects(step) if path.startswith("strategies/")
    }
    reads = {
        *("relationships", "status", "levels", "oldest_snapshot"),
        *("dirty", "signalled", "suspect", "unfilled_views", "queued", "queue_start"),
        # What is live above the chapter: stored numbers are summed by the copies of these files.
        *("live_book_sums", "live_books", "live_version_sums", "live_versions"),
        *("live_best_versions", "stored_best_versions"),
    }
    assert {path for path in views if Path(path).stem not in reads} - files <= {
        *(f"objects/live/{kind}_chapter_coverage.sql" for kind in ("audio", "text")),
        *(f"objects/live/{kind}_book_coverage.sql" for kind in ("audio", "text")),
        *(f"objects/live/{kind}_version_progress_summary.sql" for kind in ("audio", "text")),
        *(f"objects/live/language_entity_best_{kind}_version.sql" for kind in ("audio", "text")),
        *(path for path in views if Path(path).stem.startswith("exact_")),
    }
    functions = {
        Path(path).stem: path for path in schema.objects(step) if not schema.views_of(path)
    }
    for path in files - views:
        # Whatever a file of them calls is one of them.
        for name in re.findall(r"progress\.(\w+)\(", sql.read(path)):
            called = functions.get(name)
            if called and not name.startswith("exact_"):
                assert called in files, (path, called)


# "Add a measure" of CONTRIBUTING, followed for the missing verses of a book.
MEASURE = """alter table progress.book_rollup add column missing_verses integer;
"""
INTERNAL = (
    "objects/rollups/refresh_books.sql",
    "objects/live/computed_books.sql",
    "strategies/matview/stored_books.sql",
)
CONTRACT = (
    "objects/live/text_book_coverage.sql",
    "strategies/matview/mv_text_book_coverage.sql",
    "strategies/incremental/mv_text_book_coverage.sql",
)


def add_measure(package: NewerPackage) -> None:
    package.edit(
        "objects/live/live_book_sums.sql",
        lambda text: text.replace(
            "as total_chapters,",
            "as total_chapters,"
            " coalesce(sum(c.total_verses - c.covered_verses), 0)::integer as missing_verses,",
        ),
    )
    for path in INTERNAL:
        package.edit(path, beside_total_chapters)
    for path in CONTRACT:
        package.edit(
            path,
            lambda text: text.replace(
                "\nfrom progress.", ",\n    b.missing_verses\nfrom progress.", 1
            ),
        )


def beside_total_chapters(text: str) -> str:
    text = re.sub(r"\b(\w)\.total_chapters\b", r"\1.total_chapters, \1.missing_verses", text)
    text = text.replace(
        "total_chapters = excluded.total_chapters",
        "total_chapters = excluded.total_chapters, missing_verses = excluded.missing_verses",
    )
    text = re.sub(
        r"\btotal_chapters integer\b", "total_chapters integer, missing_verses integer", text
    )
    return re.sub(
        r"^( +)total_chapters$", r"\1total_chapters, missing_verses", text, flags=re.MULTILINE
    )


@pytest.mark.parametrize("release", ["0.1.0-main", None])
@pytest.mark.parametrize("step", schema.STEPS)
def test_a_measure_is_added_on_every_step(
    empty_database: str, tmp_path: Path, release: str | None, step: int
) -> None:
    package = NewerPackage(tmp_path / "newer", MEASURE)
    add_measure(package)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        apply(connection, release, step)
        site = Installation(connection)
        site.texts(2, drained=False)
        site.world.recording(site.world.audio_version(), start="gen-1-2", end="exod-1-1")
        refresh(site, step)
        site.run(f"create role {READER}")
        stored = "mv_text_book_coverage" if step > schema.VERSE_MATVIEWS else "text_book_coverage"
        try:
            for table in schema.HOST_TABLES:
                site.run(f"grant select on {table} to {READER}")
            package(empty_database, "install", "--reader", READER).assert_done()
            site.run(f"set role {READER}")
            # Nobody meets an empty one in between.
            assert site.rows(f"select missing_verses from {stored}")
            site.run("reset role")
            refresh(site, step)
            oracle.assert_same(connection)
            for kind in ("audio", "text"):
                name = stored.replace("text", kind)
                assert site.value(
                    f"select bool_and(missing_verses = total_verses - covered_verses) from {name}"
                )
            assert site.value("select has_table_privilege(%s, %s, 'select')", READER, stored)
            package(empty_database, "install").assert_done()
        finally:
            site.run(f"reset role; drop owned by {READER}; drop role {READER}")
