-- The one door into the queue. A transaction can only conflict with itself here, so no writer
-- waits for another; past 64 chapters one row for the whole version is cheaper for everybody.
create or replace function progress.signal(
    p_kind text, p_version_ids uuid[], p_chapter_ids text[]
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- An old snapshot may show a verse or a recording where it is no longer.
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        p_version_ids := array(select distinct v.id from unnest(p_version_ids) as v (id));
        p_chapter_ids := array_fill(null::text, array[cardinality(p_version_ids)]);
    end if;

    if cardinality(p_version_ids) <= 64 then
        insert into public.progress_refresh_queue (kind, version_id, chapter_id)
        select p_kind, scope.version_id, scope.chapter_id
        from unnest(p_version_ids, p_chapter_ids) as scope (version_id, chapter_id)
        where scope.version_id is not null
        on conflict (kind, version_id, chapter_id, xid) do nothing;
        return;
    end if;

    insert into public.progress_refresh_queue (kind, version_id, chapter_id)
    select distinct
        p_kind,
        counted.version_id,
        case when counted.chapters <= 64 then counted.chapter_id end
    from (
        select
            scope.version_id,
            scope.chapter_id,
            count(*) over (partition by scope.version_id) as chapters
        from unnest(p_version_ids, p_chapter_ids) as scope (version_id, chapter_id)
        where scope.version_id is not null
    ) as counted
    on conflict (kind, version_id, chapter_id, xid) do nothing;
end
$$;

comment on function progress.signal(text, uuid[], text[]) is
'Queue the given (version, chapter) pairs of one kind, chapter NULL for a whole version. Pairs must
be distinct. A transaction with one snapshot for all its statements always queues whole versions.';
