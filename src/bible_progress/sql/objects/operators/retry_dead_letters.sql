create or replace function progress.retry_dead_letters(p_ids uuid[])
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_moved integer;
begin
    with moved as (
        delete from public.progress_refresh_dead_letter as d
        where p_ids is null or d.id = any (p_ids)
        returning d.kind, d.version_id, d.chapter_id
    ),

    signalled as (
        insert into public.progress_refresh_queue (kind, version_id, chapter_id)
        select m.kind, m.version_id, m.chapter_id
        from moved as m
        on conflict (kind, version_id, chapter_id, xid) do nothing
    ),

    -- A retry is due now, whatever the last attempts did.
    forgiven as (
        delete from progress.failure as f
        using moved as m
        where f.kind = m.kind and f.version_id = m.version_id
    )

    select count(*) into v_moved from moved;
    return v_moved;
end
$$;

comment on function progress.retry_dead_letters(uuid[]) is
'Put dead letters back into the queue, all of them for NULL. Returns how many.';
