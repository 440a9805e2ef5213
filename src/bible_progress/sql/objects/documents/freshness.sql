-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.freshness(
    p_kind text default null, p_version_id uuid default null, p_stored boolean default false
)
returns table (as_of timestamptz, pending boolean, stale_seconds double precision)
language plpgsql
stable
rows 1
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_now timestamptz := progress.snapshot_time();
    v_since timestamptz;
begin
    if p_stored and progress.strategy() = 'views' then
        raise exception 'nothing is stored in this database, which is on an early step of the rollout'
            using errcode = 'BP005', hint = 'Read with consistency exact.';
    end if;

    -- The two parts of progress.dirty, each in the shape that costs least.
    if p_version_id is null then
        pending := exists (select from progress.suspect)
        or (select count(*) from progress.unstored_versions) > 0;
        if pending then
            v_since := (select min(s.enqueued_at) from progress.signalled as s);
        end if;
    else
        pending := exists (
            select from progress.suspect as d where d.kind = p_kind and d.version_id = p_version_id
        )
        or progress.is_missing(p_kind, p_version_id);
        if pending then
            v_since := (
                select min(s.enqueued_at)
                from progress.signalled as s
                where s.kind = p_kind and s.version_id = p_version_id
            );
        end if;
    end if;

    as_of := case when p_stored then least(v_since, v_now) else v_now end;
    stale_seconds := case
        when not p_stored or not pending then 0
        when v_since is not null then abs(extract(epoch from v_now - v_since))
    end;
    return next;
end
$$;

comment on function progress.freshness(text, uuid, boolean) is
'Up to when the numbers of a version, or of all, hold in this snapshot, and whether changes wait to
be drained. With p_stored, of what is stored: stale_seconds is the age of the oldest change that it
lacks, NULL where that is unknown, and BP005 is raised where nothing is stored.';
