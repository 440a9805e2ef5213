create or replace function progress.overrides()
returns table (action text, reason text, overridden_by text, overridden_at timestamptz)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select o.action, o.reason, o.overridden_by, o.overridden_at
    from progress.override as o
    order by o.overridden_at desc, o.id;
end
$$;

comment on function progress.overrides() is
'What was forced in a production database, by whom and why, the latest first.';
