-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.best_versions(
    p_language_entity_ids uuid[],
    p_descendants boolean default false,
    p_stored boolean default false,
    p_visible jsonb default null
)
returns table (
    language_entity_id uuid, kind text, version_id uuid, reason text, versions integer
)
language plpgsql
stable
rows 10
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    -- Each materialized, and the first filtered in words of which the planner knows nothing: neither
    -- are versions looked up for each language again, nor guesses at what is left make nested loops.
    with wanted as materialized (
        select w.id, w.within
        from progress.languages_within(p_language_entity_ids, p_descendants) as w
        where case when p_visible is null then true else p_visible -> 'languages' ? w.within::text end
    ),

    found as materialized (
        select v.kind, v.version_id, v.language_entity_id, v.created_at
        from progress.versions as v
        where
            v.language_entity_id = any (array(select a.within from wanted as a))
            and case when p_visible is null then true else p_visible -> v.kind ? v.version_id::text end
    ),

    candidate as materialized (
        select w.id, f.kind, f.version_id, f.created_at
        from wanted as w
        inner join found as f on w.within = f.language_entity_id
    ),

    ranked as (
        select
            c.id,
            c.kind,
            c.version_id,
            progress.rank(
                c.kind,
                e.covered_verses,
                e.total_verses,
                e.chapters_with_any,
                e.complete_chapters,
                e.total_chapters,
                e.books_complete,
                e.total_books,
                c.created_at
            ) as rank
        from (
            select array_agg(o.kind) as kinds, array_agg(o.version_id) as version_ids
            from found as o
        ) as named
        cross join progress.exact_versions(named.kinds, named.version_ids, p_stored) as e
        inner join candidate as c on e.kind = c.kind and e.version_id = c.version_id
        where e.covered_verses > 0
    ),

    placed as (
        select
            r.*,
            row_number() over best_first as place,
            lead(r.rank) over best_first as next_rank,
            count(*) over (partition by r.id, r.kind) as versions
        from ranked as r
        window best_first as (partition by r.id, r.kind order by r.rank desc, r.version_id asc)
    )

    select
        p.id,
        p.kind,
        p.version_id,
        progress.rank_reason(p.rank, p.next_rank),
        p.versions::integer
    from placed as p
    where p.place = 1;
end
$$;

comment on function progress.best_versions(uuid[], boolean, boolean, jsonb) is
'The best version of each kind of these languages and why it is, exact in this snapshot, with the
number of versions that cover anything; with p_descendants, of all versions of the languages below
too. With p_stored, as last drained; with p_visible, among the versions and languages in it.';
