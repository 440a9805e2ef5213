create or replace function progress.auditable_versions(p_sample integer default null)
returns table (kind text, version_id uuid)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not current_setting('transaction_read_only')::boolean then
        perform progress.lower_watermark();
    end if;
    return query
    select v.kind, v.version_id
    from (
        select o.kind, o.version_id
        from progress.versions as o
        union
        select r.kind, r.version_id
        from progress.version_rollup as r
    ) as v
    order by
        case when p_sample is not null then random() end,
        v.kind,
        v.version_id
    limit p_sample;
end
$$;

comment on function progress.auditable_versions(integer) is
'Every version that is there or that something is stored of, or p_sample random ones.';
