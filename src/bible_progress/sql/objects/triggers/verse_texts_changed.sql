-- Nearly every statement writes one row: it is looked at in variables, which costs less than what
-- any number of rows needs. An old snapshot may show a verse where it is no longer; then, as for
-- many rows, progress.signal decides.
create or replace function progress.verse_texts_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_old_version_id uuid;
    v_old_verse_id text;
    v_before boolean;
    v_new_version_id uuid;
    v_new_verse_id text;
    v_after boolean;
    v_more boolean;
begin
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        null;
    elsif tg_op = 'INSERT' then
        insert into public.progress_refresh_queue (kind, version_id, chapter_id)
        select
            'text',
            n.text_version_id,
            -- A verse that is not there yet has no chapter: then the whole version.
            (select v.chapter_id from public.verses as v where v.id = n.verse_id)
        from new_rows as n
        where n.text_version_id is not null and not exists (select from new_rows offset 1)
        on conflict (kind, version_id, chapter_id, xid) do nothing;
        if found or not exists (select from new_rows offset 1) then
            return null;
        end if;
    elsif tg_op = 'DELETE' then
        insert into public.progress_refresh_queue (kind, version_id, chapter_id)
        select 'text', o.text_version_id, v.chapter_id
        from old_rows as o
        -- A verse that is gone signalled its chapter itself.
        cross join lateral (
            select v.chapter_id from public.verses as v where v.id = o.verse_id limit 1
        ) as v
        where o.text_version_id is not null and not exists (select from old_rows offset 1)
        on conflict (kind, version_id, chapter_id, xid) do nothing;
        if found or not exists (select from old_rows offset 1) then
            return null;
        end if;
    else
        select
            n.text_version_id,
            n.verse_id,
            progress.text_counts(n.verse_text, n.deleted_at),
            exists (select from new_rows offset 1)
        into v_new_version_id, v_new_verse_id, v_after, v_more
        from new_rows as n;
        if v_more is not true then
            select
                o.text_version_id,
                o.verse_id,
                progress.text_counts(o.verse_text, o.deleted_at)
            into v_old_version_id, v_old_verse_id, v_before
            from old_rows as o;
            if
                v_before and v_after
                and v_old_version_id = v_new_version_id and v_old_verse_id = v_new_verse_id
            then
                return null;
            end if;
            insert into public.progress_refresh_queue (kind, version_id, chapter_id)
            select
                'text',
                place.version_id,
                (select v.chapter_id from public.verses as v where v.id = place.verse_id)
            from (
                values
                (v_old_version_id, v_old_verse_id, v_before),
                (v_new_version_id, v_new_verse_id, v_after)
            ) as place (version_id, verse_id, counts)
            where place.counts and place.version_id is not null
            on conflict (kind, version_id, chapter_id, xid) do nothing;
            return null;
        end if;
    end if;

    -- A session keeps the plan of its first statement, of a row or of a million. Looking up each
    -- verse by its key suits both.
    if tg_op = 'INSERT' then
        perform progress.signal('text', array_agg(s.text_version_id), array_agg(s.chapter_id))
        from (
            select distinct
                n.text_version_id,
                (select v.chapter_id from public.verses as v where v.id = n.verse_id) as chapter_id
            from new_rows as n
        ) as s;
    elsif tg_op = 'DELETE' then
        perform progress.signal('text', array_agg(s.text_version_id), array_agg(s.chapter_id))
        from (
            select distinct
                o.text_version_id,
                (select v.chapter_id from public.verses as v where v.id = o.verse_id) as chapter_id
            from old_rows as o
        ) as s
        where s.chapter_id is not null;
    else
        perform progress.signal('text', array_agg(s.text_version_id), array_agg(s.chapter_id))
        from (
            select distinct
                changed.text_version_id,
                (
                    select v.chapter_id
                    from public.verses as v
                    where v.id = changed.verse_id
                ) as chapter_id
            from (
                (
                    select o.text_version_id, o.verse_id
                    from old_rows as o
                    where progress.text_counts(o.verse_text, o.deleted_at)
                    except all
                    select n.text_version_id, n.verse_id
                    from new_rows as n
                    where progress.text_counts(n.verse_text, n.deleted_at)
                )
                union all
                (
                    select n.text_version_id, n.verse_id
                    from new_rows as n
                    where progress.text_counts(n.verse_text, n.deleted_at)
                    except all
                    select o.text_version_id, o.verse_id
                    from old_rows as o
                    where progress.text_counts(o.verse_text, o.deleted_at)
                )
            ) as changed
        ) as s;
    end if;
    return null;
end
$$;

comment on function progress.verse_texts_changed() is
'Signals the chapters whose text came, went or moved; wording alone signals nothing.';
