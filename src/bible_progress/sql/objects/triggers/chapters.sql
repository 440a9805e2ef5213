create or replace function progress.chapters_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_bible_version_ids text[];
begin
    if tg_op = 'INSERT' then
        v_bible_version_ids := array(
            select distinct b.bible_version_id
            from new_rows as n
            inner join public.books as b on n.book_id = b.id
        );
    elsif tg_op = 'DELETE' then
        v_bible_version_ids := array(
            select distinct b.bible_version_id
            from old_rows as o
            inner join public.books as b on o.book_id = b.id
        );
    else
        v_bible_version_ids := array(
            select distinct b.bible_version_id
            from (
                (
                    select o.id, o.book_id, o.chapter_number from old_rows as o
                    except all
                    select n.id, n.book_id, n.chapter_number from new_rows as n
                )
                union all
                (
                    select n.id, n.book_id, n.chapter_number from new_rows as n
                    except all
                    select o.id, o.book_id, o.chapter_number from old_rows as o
                )
            ) as changed
            inner join public.books as b on changed.book_id = b.id
        );
    end if;

    perform progress.signal_structure(
        v_bible_version_ids, array_fill(null::text, array[cardinality(v_bible_version_ids)])
    );
    return null;
end
$$;

comment on function progress.chapters_changed() is
'Signals every version of a canon whose chapters came, went, moved or were renumbered. Their stored
total_verses is not trusted, so it signals nothing.';

create or replace trigger progress_insert
after insert on public.chapters
referencing new table as new_rows
for each statement execute function progress.chapters_changed();

create or replace trigger progress_update
after update on public.chapters
referencing old table as old_rows new table as new_rows
for each statement execute function progress.chapters_changed();

create or replace trigger progress_delete
after delete on public.chapters
referencing old table as old_rows
for each statement execute function progress.chapters_changed();

create or replace trigger progress_truncate
after truncate on public.chapters
for each statement execute function progress.content_truncated('audio', 'text');
