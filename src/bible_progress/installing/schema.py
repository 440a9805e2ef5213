"""What the shipped SQL makes, by the step of the rollout that a database is on."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

from .. import sql

HOST_TABLES = (
    "users",
    "bible_versions",
    "books",
    "chapters",
    "verses",
    "language_entities",
    "audio_versions",
    "text_versions",
    "media_files",
    "media_files_verses",
    "verse_texts",
)
# Those with triggers: what is called where rows change, and where the table is truncated.
WATCHED = {
    "books": ("books_changed()", "content_truncated('audio', 'text')"),
    "chapters": ("chapters_changed()", "content_truncated('audio', 'text')"),
    "verses": ("verses_changed()", "content_truncated('audio', 'text')"),
    "audio_versions": ("versions_changed('audio')", "content_truncated('audio')"),
    "text_versions": ("versions_changed('text')", "content_truncated('text')"),
    "verse_texts": ("verse_texts_changed()", "content_truncated('text')"),
    "media_files": ("media_files_changed()", "content_truncated('audio')"),
    "media_files_verses": ("media_files_verses_changed()", "content_truncated('audio')"),
}
CONTRACT_TABLES = ("progress_refresh_queue", "progress_refresh_dead_letter")
# Of the whole server; grants.sql says what each may do where it is there.
ROLES = ("progress_reader", "progress_worker", "progress_admin")
# Those to whom grants.sql gives what they need and nothing else, where they are there.
SERVED = ("anon", "authenticated", "service_role", *ROLES)
# Those that progress.relationships says have relations of ours belonging to their rows.
OWNING_TABLES = ("audio_versions", "text_versions", "language_entities")
# Applied after the objects: they say something of all of them.
LAST = ("relationships.sql", "grants.sql")
# The columns of each contract relation, whose stored one has the prefix mv_; keys come first.
_BOOK = ("book_id", "complete_chapters", "total_chapters", "is_complete")
_BOOKS = ("total_chapters", "chapter_fraction", "books_complete", "total_books", "book_fraction")
_VERSES = ("covered_verses", "total_verses", "verse_fraction")
_CONTRACT = {
    "audio_verse_coverage": ("audio_version_id", "verse_id"),
    "audio_chapter_coverage": (
        "audio_version_id",
        "chapter_id",
        "covered_verses",
        "total_verses",
        "has_any",
        "is_complete",
    ),
    "audio_book_coverage": ("audio_version_id", *_BOOK),
    "audio_version_progress_summary": (
        "audio_version_id",
        *_VERSES,
        "chapters_with_audio",
        *_BOOKS,
    ),
    "text_verse_coverage": ("text_version_id", "verse_id"),
    "text_chapter_coverage": (
        "text_version_id",
        "chapter_id",
        "verses_with_text",
        "total_verses",
        "is_complete",
    ),
    "text_book_coverage": ("text_version_id", *_BOOK),
    "text_version_progress_summary": ("text_version_id", *_VERSES, "complete_chapters", *_BOOKS),
    "language_entity_best_audio_version": ("language_entity_id", "audio_version_id"),
    "language_entity_best_text_version": ("language_entity_id", "text_version_id"),
}
# How every comment of ours on a relation of the contract begins; others are of the host.
OUR_COMMENTS = (
    "^((From the base tables as they are now|As of the last refresh|Stored): "
    "|The verses that an? (audio|text) version has: )"
)
# In schema progress; grants.sql makes their policies anew.
GUARDED = ("chapter_bitmap", "book_rollup", "version_rollup", "version_history")

# Steps of the rollout that decide what there is; see rollout.STEPS for what they mean.
VIEWS, VERSE_MATVIEWS, TRIGGERS, INCREMENTAL = 1, 2, 4, 5
STEPS = range(VIEWS, INCREMENTAL + 1)

_VIEW = re.compile(r"^create (?:or replace )?view (\w+)\.(\w+)$", re.MULTILINE)
_MATERIALIZED = re.compile(
    r"^create materialized view if not exists (\w+)\.(\w+) as$", re.MULTILINE
)
_ROUTINE = re.compile(r"^create or replace (?:function|procedure) (\w+)\.(\w+)", re.MULTILINE)
_SIGNATURE = re.compile(r"^comment on (?:function|procedure) (\w+\.\w+\([^)]*\))", re.MULTILINE)
_COMPUTED = re.compile(
    r"^create or replace function progress\.(computed_\w+)\(.*?\)\n(?=language)",
    re.MULTILINE | re.DOTALL,
)
_COMPUTED_BY = re.compile(r"\bprogress\.(computed_\w+)\(")
_REMARK = re.compile(r"--[^\n]*|^comment on .*?';$", re.MULTILINE | re.DOTALL)
_MADE = re.compile(
    r"^create (?:or replace )?(?:materialized )?(?:view|function)(?: if not exists)? (\w+\.\w+)",
    re.MULTILINE,
)
_NAMED = re.compile(r"\b(?:progress|public)\.\w+")
_STORING = re.compile(
    r"progress\.(refresh_(chapters|all_chapters|books|summary)|computed_\w+)|public\.mv_\w+"
)
_RETIRED = re.compile(r"^drop view if exists (\w+)\.(\w+);$", re.MULTILINE)
_DROPPED = re.compile(r"^drop function if exists (\w+\.\w+\([^)]*\));$", re.MULTILINE)
_COMMENT = re.compile(
    r"^comment on (?:materialized view|view|table|function|procedure) public\.[^']+? is\s*"
    r"'((?:[^']|'')*)';",
    re.MULTILINE,
)
_TABLE = re.compile(r"^create table progress\.(\w+)", re.MULTILINE)

_SINCE = re.compile(r"^-- progress: since (\d+\.\d+\.\d+)$", re.MULTILINE)
_BREAKING = re.compile(r"^-- progress: breaking$", re.MULTILINE)

Name = tuple[str, str]


def migrations() -> tuple[str, ...]:
    """Return the migration files, in order."""
    return tuple(path for path in sql.manifest() if path.startswith("migrations/"))


def since(path: str) -> str:
    """Return the release that brought a migration."""
    found = _SINCE.findall(sql.read(path))
    assert len(found) == 1, f"{path} does not say `-- progress: since <release>` once"
    return found[0]


def oldest_code() -> int:
    """Return how many migrations code must know to work on this schema.

    The number of the last migration that is marked breaking; the first one always is.
    """
    breaking = (n for n, path in enumerate(migrations(), 1) if _BREAKING.search(sql.read(path)))
    return max(breaking, default=1)


def checksum(path: str) -> str:
    """Return what tells a file of ours from another of its name."""
    return hashlib.sha256(sql.read(path).encode()).hexdigest()


def release(version: str) -> tuple[int, ...]:
    """Return a version as numbers that compare."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def strategy(step: int) -> str:
    """Return the strategy of a step."""
    return _strategy_of("strategy", step)


def objects(step: int = INCREMENTAL) -> tuple[str, ...]:
    """Return the files of functions, views and triggers of a step, in order."""
    return tuple(path for path in sql.manifest() if _applies(PurePosixPath(path), step))


def views(step: int = INCREMENTAL) -> tuple[Name, ...]:
    """Return (schema, name) of every view of a step, in the order in which they are made."""
    return tuple(match for path in objects(step) for match in views_of(path))


def views_of(path: str) -> list[Name]:
    """Return (schema, name) of the views that a file makes."""
    return _VIEW.findall(sql.read(path))


def all_views() -> list[Name]:
    """Return (schema, name) of every view of any step or earlier release."""
    retired = (name for path in migrations() for name in _RETIRED.findall(sql.read(path)))
    return sorted({*retired, *(name for step in STEPS for name in views(step))})


def contract_columns() -> dict[str, tuple[str, ...]]:
    """Return the columns of every relation of the contract, live and stored."""
    return {prefix + name: columns for prefix in ("", "mv_") for name, columns in _CONTRACT.items()}


def contract_views() -> tuple[str, ...]:
    """Return the names of our relations in schema public that are no tables."""
    return tuple(name for schema, name in views() if schema == "public")


def materialized_views(step: int) -> dict[Name, str]:
    """Return the materialized views of a step, in order, with their files."""
    return {
        match: path for path in objects(step) for match in _MATERIALIZED.findall(sql.read(path))
    }


def definitions(step: int) -> dict[str, str]:
    """Return what tells each materialized view of a step from one of another shape."""
    shapes = {m[1]: m[0] for path in objects(step) for m in _COMPUTED.finditer(sql.read(path))}
    found: dict[str, str] = {}
    for (_, name), path in materialized_views(step).items():
        text = _essence(sql.read(path))
        used = "".join(shapes[function] for function in _COMPUTED_BY.findall(text))
        found[name] = hashlib.sha256((text + _essence(used)).encode()).hexdigest()
    return found


def numbers(step: int) -> str:
    """Return what tells the definition of every stored number from another one."""
    files = "\n".join(_essence(sql.read(path)) for path in sorted(number_files(step)))
    return hashlib.sha256(files.encode()).hexdigest()


def number_files(step: int) -> set[str]:
    """Return the files that stored numbers are computed from: what writes them and all it names."""
    made = {name: path for path in objects(step) for name in _MADE.findall(sql.read(path))}
    found: set[str] = set()
    names = {name for name in made if _STORING.fullmatch(name)}
    while names:
        path = made[names.pop()]
        if path not in found:
            found.add(path)
            used = set(_NAMED.findall(_essence(sql.read(path))))
            # Exact reads come after what is stored.
            names |= {name for name in used & made.keys() if ".exact_" not in name}
    return found


def _essence(text: str) -> str:
    """Return SQL without what changes nothing: comments and the breaks of lines."""
    return " ".join(_REMARK.sub("", text).split())


def triggers(step: int = INCREMENTAL) -> tuple[Name, ...]:
    """Return (trigger, host table) for every trigger of a step."""
    if step < TRIGGERS:
        return ()
    events = ("insert", "update", "delete", "truncate")
    return tuple((f"progress_{event}", table) for table in WATCHED for event in events)


def routines() -> tuple[Name, ...]:
    """Return (schema, name) of our functions and procedures, those for clients in public."""
    return tuple(match for path in objects() for match in _ROUTINE.findall(sql.read(path)))


def comments() -> tuple[str, ...]:
    """Return what our comments say of objects in schema public."""
    paths = (*migrations(), *(path for step in STEPS for path in objects(step)))
    found = (text for path in paths for text in _COMMENT.findall(sql.read(path)))
    return tuple(sorted({text.replace("''", "'") for text in found}))


def signatures() -> tuple[str, ...]:
    """Return schema, name and types of the arguments of each of them: names may be overloaded.

    Those of earlier releases too.
    """
    ours = (match for path in objects() for match in _SIGNATURE.findall(sql.read(path)))
    return tuple(dict.fromkeys((*ours, *dropped_functions())))


def dropped_functions() -> dict[str, str]:
    """Return the signatures of functions that migrations drop, each with the last that does."""
    return {
        signature: path for path in migrations() for signature in _DROPPED.findall(sql.read(path))
    }


def tables() -> tuple[str, ...]:
    """Return the names of our tables in schema progress."""
    return tuple(name for path in migrations() for name in _TABLE.findall(sql.read(path)))


def _applies(path: PurePosixPath, step: int) -> bool:
    if path.parts[0] == "strategies":
        return path.parts[1] == _strategy_of(path.stem, step)
    return path.parts[0] == "objects"


def _strategy_of(name: str, step: int) -> str:
    if step in (VIEWS, INCREMENTAL):
        return "views" if step == VIEWS else "incremental"
    is_stored = step > VERSE_MATVIEWS or "verse" in name or name == "strategy"
    return "matview" if is_stored else "views"
