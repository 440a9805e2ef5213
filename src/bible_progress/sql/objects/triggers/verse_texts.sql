create or replace function progress.verse_texts_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- A session keeps the plan of its first statement, of a row or of a million. Looking up keys suits
-- both, hashing a table for one row does not. Old and new rows have no keys and are never joined.
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    if tg_op = 'INSERT' then
        -- A verse that is not there yet would have no chapter: then the whole version.
        perform progress.signal('text', array_agg(s.text_version_id), array_agg(s.chapter_id))
        from (
            select distinct n.text_version_id, v.chapter_id
            from new_rows as n
            left join public.verses as v on n.verse_id = v.id
        ) as s;
    elsif tg_op = 'DELETE' then
        -- A verse that is gone signalled its chapter itself.
        perform progress.signal('text', array_agg(s.text_version_id), array_agg(s.chapter_id))
        from (
            select distinct o.text_version_id, v.chapter_id
            from old_rows as o
            inner join public.verses as v on o.verse_id = v.id
        ) as s;
    else
        perform progress.signal('text', array_agg(s.text_version_id), array_agg(s.chapter_id))
        from (
            select distinct changed.text_version_id, v.chapter_id
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
            left join public.verses as v on changed.verse_id = v.id
        ) as s;
    end if;
    return null;
end
$$;

comment on function progress.verse_texts_changed() is
'Signals the chapters whose text came, went or moved; wording alone signals nothing.';

create or replace trigger progress_insert
after insert on public.verse_texts
referencing new table as new_rows
for each statement execute function progress.verse_texts_changed();

create or replace trigger progress_update
after update on public.verse_texts
referencing old table as old_rows new table as new_rows
for each statement execute function progress.verse_texts_changed();

create or replace trigger progress_delete
after delete on public.verse_texts
referencing old table as old_rows
for each statement execute function progress.verse_texts_changed();

create or replace trigger progress_truncate
after truncate on public.verse_texts
for each statement execute function progress.content_truncated('text');
