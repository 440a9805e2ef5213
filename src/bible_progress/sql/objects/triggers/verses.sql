create or replace function progress.verses_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_chapter_ids text[];
begin
    if tg_op = 'INSERT' then
        v_chapter_ids := array(select distinct n.chapter_id from new_rows as n);
    elsif tg_op = 'DELETE' then
        v_chapter_ids := array(select distinct o.chapter_id from old_rows as o);
    else
        v_chapter_ids := array(
            select distinct changed.chapter_id
            from (
                (
                    select o.id, o.verse_number, o.chapter_id from old_rows as o
                    except all
                    select n.id, n.verse_number, n.chapter_id from new_rows as n
                )
                union all
                (
                    select n.id, n.verse_number, n.chapter_id from new_rows as n
                    except all
                    select o.id, o.verse_number, o.chapter_id from old_rows as o
                )
            ) as changed
        );
        if cardinality(v_chapter_ids) = 0 then
            return null;
        end if;
        -- A verse in another chapter may move the end of a range that crosses chapters.
        if exists (
            select
            from (
                select o.id, o.chapter_id from old_rows as o
                union all
                select n.id, n.chapter_id from new_rows as n
            ) as verse
            group by verse.id
            having min(verse.chapter_id) <> max(verse.chapter_id)
        ) then
            perform progress.signal_structure(
                array_agg(canon.bible_version_id), array_agg(null::text)
            )
            from (
                select distinct c.bible_version_id
                from progress.canon_chapters as c
                where c.chapter_id = any (v_chapter_ids)
            ) as canon;
            return null;
        end if;
    end if;

    perform progress.signal_structure(array_agg(c.bible_version_id), array_agg(c.chapter_id))
    from progress.canon_chapters as c
    where c.chapter_id = any (v_chapter_ids);
    return null;
end
$$;

comment on function progress.verses_changed() is
'Signals the chapter of verses that came, went or were renumbered, for every version of the canon.';

create or replace trigger progress_insert
after insert on public.verses
referencing new table as new_rows
for each statement execute function progress.verses_changed();

create or replace trigger progress_update
after update on public.verses
referencing old table as old_rows new table as new_rows
for each statement execute function progress.verses_changed();

create or replace trigger progress_delete
after delete on public.verses
referencing old table as old_rows
for each statement execute function progress.verses_changed();

create or replace trigger progress_truncate
after truncate on public.verses
for each statement execute function progress.content_truncated('audio', 'text');
