-- Materialized views call this instead of naming our views, so that an upgrade can make those anew
-- under them. Inlined, hence no pinned search_path: fully qualified instead.
create or replace function progress.computed_chapters(p_kind text)
returns table (
    version_id uuid, chapter_id text, covered_verses integer, total_verses integer, book_id text,
    book_number integer, chapter_number integer
)
language sql
stable
rows 1200
as $$
select
    l.version_id,
    l.chapter_id::text,
    l.covered_verses,
    l.total_verses,
    l.book_id::text,
    l.book_number::integer,
    l.chapter_number::integer
from progress.live_chapters as l
where l.kind = p_kind
$$;

comment on function progress.computed_chapters(text) is
'The chapters of a kind as a refresh of materialized views computes them: from the base tables.';
