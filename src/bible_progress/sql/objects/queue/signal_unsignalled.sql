create or replace function progress.signal_unsignalled(p_limit integer default 1000)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_scope record;
    v_kind text;
    v_signals integer := 0;
begin
    -- It looks at the whole queue, so not with every drain.
    if p_limit is null then
        perform progress.lower_watermark();
    end if;

    for v_scope in
        select u.kind, array_agg(u.version_id) as version_ids
        from (
            select w.kind, w.version_id
            from progress.unsignalled_versions() as w
            limit p_limit
        ) as u
        group by u.kind
    loop
        perform progress.signal(
            v_scope.kind,
            v_scope.version_ids,
            array_fill(null::text, array[cardinality(v_scope.version_ids)])
        );
        v_signals := v_signals + cardinality(v_scope.version_ids);
    end loop;

    -- A refresh is one of the whole kind, versions or not.
    for v_kind in
        select distinct u.kind
        from progress.unfilled_views as u
        where not exists (select from progress.signalled as s where s.kind = u.kind)
    loop
        perform progress.signal_all(v_kind);
        if not exists (select from public.progress_refresh_queue as q where q.kind = v_kind) then
            perform progress.signal(
                v_kind, array['00000000-0000-0000-0000-000000000000'::uuid], array[null::text]
            );
        end if;
        v_signals := v_signals + 1;
    end loop;
    return v_signals;
end
$$;

comment on function progress.signal_unsignalled(integer) is
'Queue at most p_limit of the versions that came or went past the triggers, NULL for all of them,
and each kind with a materialized view that is not filled; how many of both. NULL also finds signals
that were loaded with transaction numbers from before the watermark.';
