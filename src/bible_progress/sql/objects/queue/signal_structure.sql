create or replace function progress.signal_structure(
    p_bible_version_ids text[], p_chapter_ids text[]
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind text;
begin
    -- An old snapshot may show a book or chapter in a canon where it is no longer.
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        insert into progress.unsettled_change (bible_version_id) values (null)
        on conflict (bible_version_id, chapter_id, media_file_id, xid) do nothing;
        perform progress.signal_all('audio'), progress.signal_all('text');
        return;
    end if;

    insert into progress.unsettled_change (bible_version_id, chapter_id)
    select distinct
        counted.bible_version_id,
        case when counted.chapters <= 64 then counted.chapter_id end
    from (
        select
            scope.bible_version_id,
            scope.chapter_id,
            count(*) over (partition by scope.bible_version_id) as chapters
        from unnest(p_bible_version_ids, p_chapter_ids) as scope (bible_version_id, chapter_id)
        where scope.bible_version_id is not null
    ) as counted
    on conflict (bible_version_id, chapter_id, media_file_id, xid) do nothing;

    foreach v_kind in array array['audio', 'text'] loop
        perform progress.signal(
            v_kind, array_agg(scoped.version_id), array_agg(scoped.chapter_id)
        )
        from (
            select v.version_id, scope.chapter_id
            from unnest(p_bible_version_ids, p_chapter_ids) as scope (bible_version_id, chapter_id)
            inner join progress.versions as v
                on
                    scope.bible_version_id = v.bible_version_id
                    and v.kind = v_kind
        ) as scoped;
    end loop;
end
$$;

comment on function progress.signal_structure(text[], text[]) is
'Queue every version of these canons for a change of their books, chapters or verses; chapter NULL
for the whole canon. Pairs must be distinct. Remembers the change until it has settled, because
a version or text being written at the same moment cannot be seen from here.';
