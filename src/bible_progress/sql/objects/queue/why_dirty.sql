-- Stable, so every statement here sees the snapshot of the query that calls it. What keeps a
-- version from being drained comes before what only waits for a drain.
create or replace function progress.why_dirty(p_kind text, p_version_id uuid)
returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not progress.is_dirty(p_kind, p_version_id) then
        return null;
    end if;
    return case
        when (select s.rollout_step < 4 from progress.settings as s) then 'unsignalled'
        when exists (
            select
            from public.progress_refresh_dead_letter as d
            where d.kind = p_kind and d.version_id = p_version_id
        ) then 'dead'
        when exists (
            select
            from progress.failure as f
            where f.kind = p_kind and f.version_id = p_version_id
        ) then 'failing'
        when exists (
            select
            from public.progress_refresh_queue as q
            where q.kind = p_kind and q.version_id = p_version_id
        ) then 'waiting'
        when exists (
            select
            from progress.signalled as s
            where s.kind = p_kind and s.version_id = p_version_id
        ) then 'unsettled'
        when exists (
            select
            from progress.unstored_versions as u
            where u.kind = p_kind and u.version_id = p_version_id
        ) then 'unstored'
        else 'unfilled'
    end;
end
$$;

comment on function progress.why_dirty(text, uuid) is
'Why the stored numbers of a version may differ from the base tables in this snapshot, NULL where
they may not: unsignalled (no trigger signals on this step of the rollout), dead (a dead letter),
failing (its last drain failed), waiting (for a drain), unsettled (a change waits for the
transactions that ran beside it), unstored (it came past the triggers) or unfilled (a materialized
view is).';
