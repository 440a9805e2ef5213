-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.rank(
    p_kind text,
    p_covered_verses bigint,
    p_total_verses bigint,
    p_chapters_with_any bigint,
    p_complete_chapters bigint,
    p_total_chapters bigint,
    p_books_complete bigint,
    p_total_books bigint,
    p_created_at timestamptz
)
returns numeric[]
language sql
stable
parallel safe
return array[
    p_covered_verses,
    progress.fraction(p_covered_verses, p_total_verses),
    progress.chapter_fraction(p_kind, p_chapters_with_any, p_complete_chapters, p_total_chapters),
    progress.fraction(p_books_complete, p_total_books),
    coalesce(extract(epoch from p_created_at), '-Infinity')
];

comment on function progress.rank(
    text, bigint, bigint, bigint, bigint, bigint, bigint, bigint, timestamptz
) is
'What versions are compared by, the greater the better: covered verses, then verse, chapter and book
fraction, then when it was made, a missing date before all others. The smaller id decides between equals.';
