create or replace function progress.discard_dead_letter(p_id uuid)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_dead public.progress_refresh_dead_letter;
begin
    delete from public.progress_refresh_dead_letter as d
    where d.id = p_id
    returning d.* into v_dead;
    if v_dead.id is null then
        raise exception 'there is no dead letter %', p_id
            using errcode = 'BP002', hint = 'See bible-progress dead-letter list.';
    end if;
    -- The letter is what keeps reads of this version exact: it may go only where it has no work.
    if exists (select from progress.drift(v_dead.kind, v_dead.version_id, true)) then
        raise exception
            'dead letter % still matters: the stored numbers of % version % differ from the texts and recordings',
            p_id, v_dead.kind, v_dead.version_id
            using errcode = 'BP004',
            hint = 'Remove the cause (see its last error) and retry it: bible-progress dead-letter retry.';
    end if;
end
$$;

comment on function progress.discard_dead_letter(uuid) is
'Drop a dead letter whose version is right all the same; refused (BP004) while it is not.';
