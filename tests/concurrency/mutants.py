"""The engine made wrong on purpose, and made right again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from support.sessions import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """Functions with some of their text replaced, and statements that do and undo the rest."""

    name: str
    edits: tuple[tuple[str, str, str], ...] = ()
    do: str = ""
    undo: str = ""

    @contextmanager
    def applied(self, stage: Stage) -> Iterator[None]:
        """Break the engine for a while; at the end the stage is empty and the engine right."""
        definitions = {function: _definition(stage, function) for function, _, _ in self.edits}
        wrong = dict(definitions)
        for function, old, new in self.edits:
            # A function as replacement, because a template would take backslashes for its own.
            edited = re.sub(_spaced(old), lambda _, new=new: new, wrong[function])
            assert edited != wrong[function], f"{self.name}: {function} does not say: {old}"
            wrong[function] = edited
        _execute(stage, *wrong.values(), self.do)
        try:
            yield
        finally:
            # First of all end the sessions, whose locks would stop the repair.
            stage.reset()
            _execute(stage, self.undo, *definitions.values())


def _definition(stage: Stage, function: str) -> str:
    [(definition,)] = stage.execute(
        "select string_agg(pg_get_functiondef(p.oid), '') from pg_proc as p"
        " where p.pronamespace = 'progress'::regnamespace and p.proname = %s"
        " having count(*) = 1",
        [function],
    )
    assert isinstance(definition, str)
    return definition


def _execute(stage: Stage, *statements: str) -> None:
    for statement in filter(None, statements):
        stage.observer.execute(statement.encode(), prepare=False)


def _spaced(text: str) -> str:
    # Line breaks and indentation are nobody's promise.
    return r"\s+".join(re.escape(word) for word in text.split())


ENDED = """and (
        pg_visible_in_snapshot(q.xid, (select pg_current_snapshot()))
        or q.xid = pg_current_xact_id_if_assigned()
    )"""
CLAIM = f"""delete from public.progress_refresh_queue as q
    where q.kind = p_kind and q.version_id = any (v_version_ids)
    and q.xid >= (select s.xid from progress.queue_start as s)
    -- A copied row may stand for the signal of a transaction that still runs.
    {ENDED}
    returning q.version_id, q.chapter_id, q.enqueued_at ), -- What"""
LOCK = "if not pg_try_advisory_xact_lock(progress.version_lock_key(p_kind, p_version_id)) then"
CONFLICT = "on conflict (kind, version_id, chapter_id, xid) do nothing"

FIRST_PLAN = Mutant(
    name="do nothing on (kind, version)",
    edits=(
        ("signal", CONFLICT, "on conflict (kind, version_id) do nothing"),
        ("verse_texts_changed", CONFLICT, "on conflict (kind, version_id) do nothing"),
        ("resolve_unsettled_changes", CONFLICT, "on conflict (kind, version_id) do nothing"),
    ),
    # The whole version is signalled, as in the first plan, so that a second row says no more.
    do="""alter table progress_refresh_queue add constraint first_plan unique (kind, version_id);
    create function progress.widen() returns trigger language plpgsql
    as 'begin new.chapter_id := null; return new; end';
    create trigger widen before insert on progress_refresh_queue
    for each row execute function progress.widen()""",
    undo="""alter table progress_refresh_queue drop constraint first_plan;
    drop function progress.widen() cascade""",
)
DELETE_AFTER_REFRESH = Mutant(
    name="delete after refresh",
    edits=(
        (
            "drain_version",
            CLAIM,
            """select q.version_id, q.chapter_id, q.enqueued_at
            from public.progress_refresh_queue as q
            where q.kind = p_kind and q.version_id = any (v_version_ids) ), -- What""",
        ),
        (
            "drain_version",
            "delete from progress.failure as f",
            """delete from public.progress_refresh_queue as q
            where q.kind = p_kind and q.version_id = any (v_version_ids);
            delete from progress.failure as f""",
        ),
    ),
)
NO_VERSION_LOCK = Mutant(name="no version lock", edits=(("drain_version", LOCK, "if false then"),))
# Without the lock the claim still makes drains wait for each other, unless it skips locked rows.
NO_LOCK_AT_ALL = Mutant(
    name="no version lock, and the claim skips locked rows",
    edits=(
        ("drain_version", LOCK, "if false then"),
        (
            "drain_version",
            CLAIM,
            """delete from public.progress_refresh_queue as q using (
                select c.id from public.progress_refresh_queue as c
                where c.kind = p_kind and c.version_id = any (v_version_ids)
                for update skip locked
            ) as free where q.id = free.id
            returning q.version_id, q.chapter_id, q.enqueued_at ), -- What""",
        ),
    ),
)
REPEATABLE_READ = Mutant(
    name="repeatable read drain",
    edits=(
        (
            "drain_version",
            "if current_setting('transaction_isolation') <> 'read committed' then",
            "if false then",
        ),
    ),
)
NEW_SIDE_ONLY_OF_TEXTS = Mutant(
    name="new side only of texts",
    edits=(
        (
            "verse_texts_changed",
            "where progress.text_counts(o.verse_text, o.deleted_at) except all",
            "where false except all",
        ),
        (
            "verse_texts_changed",
            "values (v_old_version_id, v_old_verse_id, v_before),",
            "values (v_old_version_id, v_old_verse_id, false),",
        ),
    ),
)
NEW_SIDE_ONLY_OF_FILES = Mutant(
    name="new side only of files",
    edits=(
        (
            "media_files_changed",
            "c.alike = 1",
            "c.alike = 1 and exists (select from new_rows as n where"
            " (n.id, n.audio_version_id, n.chapter_id, n.start_verse_id)"
            " is not distinct from (c.id, c.audio_version_id, c.chapter_id, c.start_verse_id))",
        ),
    ),
)
NEW_SIDE_ONLY_OF_TIMINGS = Mutant(
    name="new side only of timings",
    edits=(
        (
            "media_files_verses_changed",
            "from old_rows as o where o.deleted_at is null except all",
            "from old_rows as o where false except all",
        ),
    ),
)
NOTES_FORGOTTEN = Mutant(
    name="timings leave no note",
    do="""create function progress.forget() returns trigger language plpgsql
    as 'begin return null; end';
    create trigger forget before insert on progress.timed_version
    for each row execute function progress.forget()""",
    undo="drop function progress.forget() cascade",
)
NO_SETTLING = Mutant(
    name="no settling",
    do="""create function progress.forget() returns trigger language plpgsql
    as 'begin return null; end';
    create trigger forget before insert on progress.unsettled_change
    for each row execute function progress.forget()""",
    undo="drop function progress.forget() cascade",
)
_ONE_ROUND = """create function progress.hurry() returns trigger language plpgsql
    as 'begin new.rounds_left := 1; return new; end';
    create trigger hurry before insert on progress.unsettled_change
    for each row execute function progress.hurry()"""
_ALL_ROUNDS = "drop function progress.hurry() cascade"
# In one round, because the rounds after it would make good for it in all but the longest chains.
SETTLED_BY_SNAPSHOT = Mutant(
    name="settled by a snapshot instead of a transaction number",
    do=_ONE_ROUND,
    undo=_ALL_ROUNDS,
    edits=(
        (
            "resolve_unsettled_changes",
            "set settles_at = pg_current_xact_id()",
            "set settles_at = pg_snapshot_xmax(pg_current_snapshot())",
        ),
    ),
)
SETTLED_IN_ONE_ROUND = Mutant(name="settled in one round", do=_ONE_ROUND, undo=_ALL_ROUNDS)
CHAPTERS_FROM_OLD_SNAPSHOTS = Mutant(
    name="chapters signalled from old snapshots",
    edits=(
        (
            "signal",
            "if current_setting('transaction_isolation') in ('repeatable read', 'serializable')",
            "if false",
        ),
    ),
)
DELETED_FILES_FORGOTTEN = Mutant(
    name="deleted files forgotten",
    do="""create function progress.forget() returns trigger language plpgsql
    as 'begin return null; end';
    create trigger forget before insert on progress.deleted_media_file
    for each row execute function progress.forget()""",
    undo="drop function progress.forget() cascade",
)
BITMAP_KEPT = Mutant(
    name="bitmap of a chapter not removed",
    edits=(
        (
            "refresh_chapters",
            "if v_live is null then delete",
            "if v_live is null then continue; delete",
        ),
    ),
)
BITMAPS_KEPT = Mutant(
    name="bitmaps of a version not removed",
    edits=(
        (
            "refresh_all_chapters",
            "not exists (select from live as l",
            "not exists (select from live as l where true) and exists (select from live as l",
        ),
    ),
)
RUNNING_NUMBERS_CLAIMED = Mutant(
    name="the claim ignores running numbers",
    edits=(
        ("drain_version", ENDED, ""),
        ("due_versions", ENDED.removeprefix("and "), "true"),
    ),
)
RUNNING_NUMBERS_BURIED = Mutant(
    name="dead letters ignore running numbers", edits=(("record_failure", ENDED, ""),)
)
RUNNING_NUMBERS_TAKEN = Mutant(
    name="numbers are taken away from running transactions",
    edits=(("renumber_foreign", "progress.is_assigned(v_lowest)", "false"),),
)
RUNNING_NOTES_SETTLED = Mutant(
    name="settling ignores running numbers",
    edits=(
        (
            "resolve_unsettled_changes",
            "and pg_visible_in_snapshot(c.xid, pg_current_snapshot())",
            "",
        ),
    ),
)
WATERMARK_PASSES_WRITERS = Mutant(
    name="the watermark ignores running writers",
    edits=(("advance_watermark", "pg_snapshot_xmin(", "pg_snapshot_xmax("),),
)
WATERMARK_PASSES_SIGNALS = Mutant(
    name="the watermark ignores what waits",
    edits=(("advance_watermark", "where q.xid >= v_start", "where false"),),
)
WATERMARK_COPIED = Mutant(
    name="the watermark of another cluster counts",
    do="""create or replace view progress.queue_start with (security_invoker = true) as
    select coalesce(max(w.xid::text::bigint), 0)::text::xid8 as xid
    from progress.queue_watermark as w""",
    undo="""create or replace view progress.queue_start with (security_invoker = true) as
    select coalesce(
        (
            select w.xid from progress.queue_watermark as w
            where w.made_by::xid = w.xmin order by w.xid desc limit 1
        ), '0'::xid8
    ) as xid""",
)
SUMMARY_KEPT = Mutant(
    name="summary not refreshed",
    edits=(
        (
            "drain_version",
            "rows_changed := rows_changed\n"
            "                + progress.refresh_summary(p_kind, p_version_id, rows_changed);",
            "",
        ),
    ),
)

Scenario = Callable[[Stage], None]
