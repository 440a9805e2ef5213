-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.chapter_fraction(
    p_kind text,
    p_chapters_with_any bigint,
    p_complete_chapters bigint,
    p_total_chapters bigint
)
returns numeric
language sql
immutable
parallel safe
return progress.fraction(
    case when p_kind = 'audio' then p_chapters_with_any else p_complete_chapters end,
    p_total_chapters
);

comment on function progress.chapter_fraction(text, bigint, bigint, bigint) is
'Share of chapters: those with any audio for recordings, the complete ones for texts.';
