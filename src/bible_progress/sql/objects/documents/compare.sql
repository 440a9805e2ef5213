-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.compare(
    p_kinds text[], p_version_ids uuid[], p_stored boolean default false
)
returns table (
    kind text,
    version_id uuid,
    book_id text,
    chapter_id text,
    only_here_verses integer,
    only_here text,
    lacking_verses integer,
    lacking text
)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        d.kind,
        d.version_id,
        d.book_id,
        d.chapter_id,
        d.only_here_verses,
        d.only_here,
        d.lacking_verses,
        d.lacking
    from progress.differences(p_kinds, p_version_ids, p_stored) as d;
end
$$;

comment on function progress.compare(text[], uuid[], boolean) is
'What each of two or more versions of one canon has that none of the others has, and what it lacks
that another has, audio against text included, exact in this snapshot: for each version one row a
chapter, in canon order. Refused (BP002) for different canons. With p_stored, as last drained.';
