-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.testament_totals(
    p_testament text, p_stored boolean default false
)
returns table (kind text, version_id uuid, covered_verses bigint, total_verses bigint)
language plpgsql
stable
rows 10000
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_kinds text[];
    v_version_ids uuid[];
begin
    select array_agg(v.kind), array_agg(v.version_id)
    into v_kinds, v_version_ids
    from progress.versions as v;

    return query
    select b.kind, b.version_id, sum(b.covered_verses), sum(b.total_verses)
    from progress.exact_books_of_versions(v_kinds, v_version_ids, p_stored) as b
    inner join public.books as o on b.book_id = o.id
    where o.testament::text = p_testament
    group by b.kind, b.version_id;
end
$$;

comment on function progress.testament_totals(text, boolean) is
'What every version covers of one testament, exact in this snapshot; versions whose canons have none
are left out. It adds up the books of all versions. With p_stored, as last drained.';
