create or replace function progress.chapters_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_book_ids text[];
begin
    if tg_op = 'INSERT' then
        v_book_ids := array(select distinct n.book_id from new_rows as n);
    elsif tg_op = 'DELETE' then
        v_book_ids := array(select distinct o.book_id from old_rows as o);
    else
        v_book_ids := array(
            select distinct changed.book_id
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
        );
    end if;
    if cardinality(v_book_ids) = 0 then
        return null;
    end if;

    perform progress.signal_structure(array_agg(canon.bible_version_id), array_agg(null::text))
    from (
        select distinct b.bible_version_id
        from public.books as b
        where b.id = any (v_book_ids)
    ) as canon;
    return null;
end
$$;

comment on function progress.chapters_changed() is
'Signals every version of a canon whose chapters came, went, moved or were renumbered. Their stored
total_verses is not trusted, so it signals nothing.';
