-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.unsignalled_versions()
returns table (kind text, version_id uuid, is_stored boolean)
language plpgsql
stable
rows 10
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Where no trigger signals, that is every version; what is not filled cannot be opened.
    if
        (select s.rollout_step < 4 from progress.settings as s)
        or (progress.strategy() = 'matview' and not progress.is_filled())
    then
        return;
    end if;

    -- Materialized, so that versions are joined as a whole and signals looked up for what is left.
    return query
    with past_triggers as materialized (
        select u.kind, u.version_id, false as is_stored
        from progress.unstored_versions as u
        union all
        select r.kind, r.version_id, true as is_stored
        from progress.stored_versions as r
        where not exists (
            select from progress.versions as v where v.kind = r.kind and v.version_id = r.version_id
        )
    )

    select p.kind, p.version_id, p.is_stored
    from past_triggers as p
    where not exists (
        select from progress.signalled as s where s.kind = p.kind and s.version_id = p.version_id
    );
end
$$;

comment on function progress.unsignalled_versions() is
'Versions that came or went past the triggers: of which nothing is stored though they are there, or
is_stored though they are not, and no signal says so.';
