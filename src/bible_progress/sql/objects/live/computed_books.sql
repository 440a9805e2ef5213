-- Materialized views call this instead of naming our views, so that an upgrade can make those anew
-- under them. Inlined, hence no pinned search_path: fully qualified instead.
create or replace function progress.computed_books(p_kind text)
returns table (
    version_id uuid, book_id text, covered_verses integer, total_verses integer,
    chapters_with_any integer, complete_chapters integer, total_chapters integer,
    book_number integer
)
language sql
stable
rows 1000
as $$
select
    s.version_id,
    s.book_id::text,
    s.covered_verses,
    s.total_verses,
    s.chapters_with_any,
    s.complete_chapters,
    s.total_chapters,
    s.book_number::integer
from progress.stored_book_sums as s
where s.kind = p_kind
$$;

comment on function progress.computed_books(text) is
'The books of a kind as a refresh of materialized views computes them: from the stored chapters.';
