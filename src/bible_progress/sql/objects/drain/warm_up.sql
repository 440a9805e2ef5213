-- Plans are made once a session and take longer than a drain. A version that is nowhere makes them
-- and writes nothing; only those for timings that may add verses wait for the first.
create or replace function progress.warm_up()
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform progress.lower_watermark();
    perform
        progress.refresh_chapters(k.kind, k.nowhere, array[k.chapter_id]),
        progress.refresh_all_chapters(k.kind, k.nowhere),
        progress.refresh_summary(k.kind, k.nowhere, 0)
    from (
        select
            kind.name as kind,
            '00000000-0000-0000-0000-000000000000'::uuid as nowhere,
            (select c.id from public.chapters as c limit 1) as chapter_id
        from (values ('audio'), ('text')) as kind (name)
    ) as k;
end
$$;

comment on function progress.warm_up() is
'Make the plans of drains in this session, so that its first drain need not.';
