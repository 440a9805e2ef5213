-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.overview(p_limit integer, p_stored boolean default false)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
-- What a function returns has no statistics; without them sorts for a merge are chosen over a hash.
set enable_mergejoin = off
as $$
declare
    -- From where on people call a version nearly complete.
    c_nearly constant integer := 90;
begin
    return (
        -- All versions are looked at once for everything.
        with numbers as materialized (
            select n.kind, n.version_id, n.covered_verses, n.total_verses
            from progress.summaries(p_stored) as n
            inner join progress.versions as v on n.kind = v.kind and n.version_id = v.version_id
        )

        select
            json_build_object(
                'text_versions', count(*) filter (where n.kind = 'text'),
                'audio_versions', count(*) filter (where n.kind = 'audio'),
                'complete', count(*) filter (
                    where progress.is_complete(n.covered_verses, n.total_verses)
                ),
                'in_progress', count(*) filter (
                    where progress.coverage_status(n.covered_verses, n.total_verses) = 'in progress'
                ),
                'nearly', (
                    select
                        coalesce(
                            json_agg(
                                json_build_object(
                                    'kind', v.kind,
                                    'id', v.version_id,
                                    'name', v.name,
                                    'percent', progress.percent(f.covered_verses, f.total_verses),
                                    'missing_verses', f.total_verses - f.covered_verses
                                )
                                order by f.place
                            ),
                            '[]'
                        )
                    from (
                        select
                            m.*,
                            row_number() over (
                                order by
                                    progress.fraction(m.covered_verses, m.total_verses) desc,
                                    m.kind desc,
                                    m.version_id desc
                            ) as place
                        from numbers as m
                        where
                            not progress.is_complete(m.covered_verses, m.total_verses)
                            and progress.percent(m.covered_verses, m.total_verses) >= c_nearly
                        order by place
                        limit p_limit
                    ) as f
                    inner join progress.versions as v
                        on f.kind = v.kind and f.version_id = v.version_id
                ),
                'lately', (
                    select
                        coalesce(
                            json_agg(
                                json_build_object(
                                    'kind', c.kind,
                                    'id', c.version_id,
                                    'name', c.name,
                                    'percent', progress.percent(c.covered_verses, c.total_verses),
                                    'day', c.day,
                                    'changed_at', c.changed_at,
                                    'added_verses', c.added_verses
                                )
                                order by c.day desc, c.changed_at desc nulls last, c.version_id
                            ),
                            '[]'
                        )
                    from progress.changed_lately(p_limit) as c
                )
            )
        from numbers as n
    );
end
$$;

comment on function progress.overview(integer, boolean) is
'How many versions there are of each kind, complete and in progress, with p_limit of those that are
nearly complete and p_limit of those whose covered verses changed lately, as one document, exact in this
snapshot. With p_stored, as last drained.';
