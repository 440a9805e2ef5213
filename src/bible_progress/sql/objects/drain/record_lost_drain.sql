create or replace function progress.record_lost_drain(
    p_kind text, p_version_id uuid, p_error text
)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if
        exists (
            select
            from progress.queued as q
            where q.kind = p_kind and q.version_id = p_version_id
        )
        and pg_try_advisory_xact_lock(progress.version_lock_key(p_kind, p_version_id))
    then
        perform progress.record_failure(p_kind, p_version_id, p_error);
    end if;
end
$$;

comment on function progress.record_lost_drain(text, uuid, text) is
'Count a failed drain that could not be recorded when it failed, as where its connection was lost;
nothing for a version without signals or that another drain has. p_error begins with the SQLSTATE.';
