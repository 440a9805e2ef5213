-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.changed_lately(p_limit integer)
returns table (
    kind text,
    version_id uuid,
    name text,
    covered_verses integer,
    total_verses integer,
    day date,
    changed_at timestamptz,
    added_verses integer
)
language plpgsql
stable
rows 10
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_mergejoin = off
as $$
begin
    return query
    -- From the latest on, until there are enough: the offset keeps the history from being joined as a
    -- whole.
    select
        t.kind,
        t.version_id,
        t.name,
        c.covered_verses,
        c.total_verses,
        c.day,
        case when (t.changed_at at time zone 'UTC')::date = c.day then t.changed_at end,
        c.added_verses
    from (
        select r.kind, r.version_id, r.changed_at, v.name, v.created_at
        from progress.version_rollup as r
        inner join progress.versions as v on r.kind = v.kind and r.version_id = v.version_id
        where r.changed_at is not null
        order by r.changed_at desc
        offset 0
    ) as t
    cross join lateral (
        select
            h.day,
            h.covered_verses,
            h.total_verses,
            h.covered_verses - coalesce(
                lead(h.covered_verses) over (order by h.day desc),
                -- What was there before it was first counted is no change.
                case when (t.created_at at time zone 'UTC')::date >= h.day then 0 end,
                h.covered_verses
            ) as added_verses
        from (
            select y.day, y.covered_verses, y.total_verses
            from progress.version_history as y
            where y.kind = t.kind and y.version_id = t.version_id
            order by y.day desc
            limit 2
        ) as h
        order by h.day desc
        limit 1
    ) as c
    where c.added_verses <> 0
    order by t.changed_at desc
    limit p_limit;
end
$$;

comment on function progress.changed_lately(integer) is
'The versions whose covered verses changed last, p_limit of them: how many came or went on
that UTC day, and when, where what is stored changed last on that day. Numbers that were only counted
again are no change, nor are those of a version that is older than its first count. As drained.';
