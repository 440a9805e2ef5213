-- Materialized views call this instead of naming our views, so that an upgrade can make those anew
-- under them. Inlined, hence no pinned search_path: fully qualified instead.
create or replace function progress.computed_verses(p_kind text)
returns table (
    version_id uuid, verse_id text, chapter_id text
)
language sql
stable
rows 10000
as $$
select l.version_id, l.verse_id::text, l.chapter_id::text
from progress.live_verses as l
where l.kind = p_kind
$$;

comment on function progress.computed_verses(text) is
'The verses of a kind as a refresh of materialized views computes them: from the base tables.';
