"""Point look-ups on every materialized relation are index look-ups."""

import pytest
from cost import explain, rows_read, scanned_as_a_whole
from library import BOOKS, CHAPTERS, LANGUAGES, VERSES, VERSIONS, Library

from bible_progress.installing import install, schema

ROLLUPS = {"chapter_bitmap", "book_rollup", "version_rollup"}
CANON = {"verses", "chapters"}
POLICIES_READ = ("audio_versions", "text_versions")
READER = "bp_test_plan_reader"

# What a whole version has; a look-up of it may touch a few rows for each.
CHAPTERS_IN_ALL = BOOKS * CHAPTERS
VERSES_IN_ALL = CHAPTERS_IN_ALL * VERSES

# (relation, further key columns) and how many rows may be read in all.
LOOKUPS: dict[tuple[str, tuple[str, ...]], int] = {
    ("verse_coverage", ("verse_id",)): VERSES**2,
    ("verse_coverage", ("chapter_id",)): VERSES**2,
    ("verse_coverage", ()): VERSES * VERSES_IN_ALL,
    ("chapter_coverage", ("chapter_id",)): 3 * VERSES,
    ("chapter_coverage", ("book_id",)): 4 * CHAPTERS + CHAPTERS * VERSES,
    ("chapter_coverage", ()): 5 * CHAPTERS_IN_ALL + VERSES_IN_ALL,
    # Their numbers are in `books`, a page that is read as a whole.
    ("book_coverage", ("book_id",)): BOOKS + 5,
    ("book_coverage", ()): 3 * BOOKS + 5,
    ("version_progress_summary", ()): 5,
}
VALUES = {"verse_id": "b7-3-4", "chapter_id": "b7-3", "book_id": "b7"}


@pytest.fixture(params=["owner", "reader"])
def session(request: pytest.FixtureRequest, library: Library) -> Library:
    """The library, read by its owner or by a role under row security."""
    if request.param == "reader":
        run = library.connection.execute
        run(f"create role {READER}")
        for table in schema.HOST_TABLES:
            run(f"grant select on {table} to {READER}")
        install.install(library.connection, readers=[READER])
        run(f"set local role {READER}")
    return library


@pytest.mark.parametrize("plan", ["custom", "generic"])
@pytest.mark.parametrize("kind", ["audio", "text"])
def test_point_lookups_are_index_lookups(session: Library, kind: str, plan: str) -> None:
    """With the values at hand, and in the plan that a prepared statement ends up with."""
    version = session.text if kind == "text" else session.audio
    under_policies = session.connection.execute("show role").fetchone() == (READER,)
    session.connection.execute(f"set local plan_cache_mode = force_{plan}_plan")
    for number, ((relation, keys), bound) in enumerate(LOOKUPS.items()):
        types = ", ".join(["uuid", *("text" for _ in keys)])
        where = " and ".join(
            f"{column} = ${position}"
            for position, column in enumerate((f"{kind}_version_id", *keys), start=1)
        )
        session.connection.execute(
            f"prepare lookup_{number} ({types}) as select * from mv_{kind}_{relation} where {where}"
        )
        values = ", ".join(f"'{value}'" for value in (version, *(VALUES[key] for key in keys)))
        found = explain(session.connection, f"execute lookup_{number} ({values})")
        session.connection.execute(f"deallocate lookup_{number}")
        name = f"{relation} by {where}"
        assert found["Actual Rows"] > 0, f"{name} finds nothing"
        assert not scanned_as_a_whole(found) & ROLLUPS, f"{name} scans a rollup"
        if keys:
            assert not scanned_as_a_whole(found) & CANON, f"{name} scans the canon"
        # For its policies a reader's plan may collect the versions that it sees, once.
        read = rows_read(found, ignoring=POLICIES_READ if under_policies else ())
        assert read <= bound, f"{name} reads {read} rows, not {bound}"


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_the_verses_of_a_version_cost_a_few_reads_each(library: Library, kind: str) -> None:
    """Not as many reads as their chapter has verses: Psalm 119 has 176."""
    version = library.text if kind == "text" else library.audio
    plan = explain(
        library.connection,
        f"select * from mv_{kind}_verse_coverage where {kind}_version_id = '{version}'",
    )
    assert plan["Actual Rows"] > VERSES_IN_ALL * 0.8
    assert rows_read(plan) <= 5 * VERSES_IN_ALL


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_the_best_version_of_a_language_reads_summaries_only(session: Library, kind: str) -> None:
    plan = explain(
        session.connection,
        f"select * from mv_language_entity_best_{kind}_version"
        f" where language_entity_id = '{session.language}'",
    )
    assert plan["Actual Rows"] == 1
    # Three versions of the language, each in its table and its summary.
    assert rows_read(plan) <= 8 * (VERSIONS // LANGUAGES)


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_the_whole_tree_of_a_version_reads_its_own_rows(session: Library, kind: str) -> None:
    """Books and chapters at once, as the dashboard asks for them."""
    version = session.text if kind == "text" else session.audio
    plan = explain(
        session.connection,
        f"select b.book_id, c.chapter_id from mv_{kind}_book_coverage b"
        f" join mv_{kind}_chapter_coverage c using ({kind}_version_id, book_id)"
        f" where {kind}_version_id = '{version}'",
    )
    assert plan["Actual Rows"] == CHAPTERS_IN_ALL
    assert not scanned_as_a_whole(plan) & ROLLUPS
    assert rows_read(plan) <= 8 * CHAPTERS_IN_ALL + VERSES_IN_ALL
