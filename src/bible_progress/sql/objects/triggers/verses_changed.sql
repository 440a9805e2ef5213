create or replace function progress.verses_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_chapter_ids text[];
    v_reaches_further boolean;
begin
    if tg_op <> 'UPDATE' then
        -- Where nothing forbids it, a recording may name a verse that is not there: one that comes or
        -- goes may be an end of its range, or have timings that no chapter has been told of.
        v_reaches_further := exists (
            select
            from (
                values
                ('media_files', 'start_verse_id'),
                ('media_files', 'end_verse_id'),
                ('media_files_verses', 'verse_id')
            ) as n (table_name, column_name)
            where
                not exists (
                    select
                    from pg_catalog.pg_constraint as k
                    inner join pg_catalog.pg_attribute as a
                        on k.conrelid = a.attrelid and a.attnum = k.conkey[1]
                    where
                        k.contype = 'f'
                        and k.convalidated
                        and cardinality(k.conkey) = 1
                        and k.conrelid = ('public.' || n.table_name)::regclass
                        and k.confrelid = 'public.verses'::regclass
                        and a.attname = n.column_name
                        -- Else one that goes may be back before its references are looked at.
                        and (
                            tg_op = 'INSERT'
                            or (k.confdeltype <> 'a' and not k.condeferrable)
                        )
                )
        );
    end if;
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
        -- Under another id, or in another chapter, it may be an end of a range that crosses chapters.
        v_reaches_further := exists (
            select
            from (
                select o.id, o.chapter_id from old_rows as o
                union all
                select n.id, n.chapter_id from new_rows as n
            ) as verse
            group by verse.id
            having count(*) = 1 or min(verse.chapter_id) <> max(verse.chapter_id)
        );
    end if;

    perform progress.signal_structure(
        array_agg(canon.bible_version_id), array_agg(canon.chapter_id)
    )
    from (
        select distinct
            c.bible_version_id,
            case when not v_reaches_further then c.chapter_id end as chapter_id
        from progress.canon_chapters as c
        where c.chapter_id = any (v_chapter_ids)
    ) as canon;
    return null;
end
$$;

comment on function progress.verses_changed() is
'Signals the chapter of verses that came, went or were renumbered, for every version of the canon;
the whole canon where a range that crosses chapters may begin or end with them.';
