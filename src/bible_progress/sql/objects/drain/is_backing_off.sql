create or replace function progress.is_backing_off(p_kind text, p_version_id uuid)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select
        from progress.failure as f
        where
            f.kind = p_kind
            and (f.version_id = p_version_id or progress.strategy() <> 'incremental')
            and progress.is_resting(f.next_attempt_at)
    );
end
$$;

comment on function progress.is_backing_off(text, uuid) is
'Whether the last drain of a version, or where a refresh is one of the whole kind of any, failed and
its next attempt is not due yet.';
