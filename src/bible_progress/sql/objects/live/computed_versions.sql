-- Materialized views call this instead of naming our views, so that an upgrade can make those anew
-- under them. Inlined, hence no pinned search_path: fully qualified instead.
create or replace function progress.computed_versions(p_kind text)
returns table (
    kind text, version_id uuid, covered_verses integer, total_verses integer,
    chapters_with_any integer, complete_chapters integer, total_chapters integer,
    books_complete integer, total_books integer
)
language sql
stable
rows 100
as $$
select
    s.kind,
    s.version_id,
    s.covered_verses,
    s.total_verses,
    s.chapters_with_any,
    s.complete_chapters,
    s.total_chapters,
    s.books_complete,
    s.total_books
from progress.stored_version_sums as s
where s.kind = p_kind
$$;

comment on function progress.computed_versions(text) is
'The versions of a kind as a refresh of materialized views computes them: from the stored books.';
