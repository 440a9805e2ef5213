create or replace function progress.books_changed()
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
            select distinct n.bible_version_id
            from new_rows as n
        );
    elsif tg_op = 'DELETE' then
        v_bible_version_ids := array(
            select distinct o.bible_version_id
            from old_rows as o
        );
    else
        v_bible_version_ids := array(
            select distinct changed.bible_version_id
            from (
                (
                    select o.id, o.bible_version_id, o.book_number from old_rows as o
                    except all
                    select n.id, n.bible_version_id, n.book_number from new_rows as n
                )
                union all
                (
                    select n.id, n.bible_version_id, n.book_number from new_rows as n
                    except all
                    select o.id, o.bible_version_id, o.book_number from old_rows as o
                )
            ) as changed
        );
    end if;
    if cardinality(v_bible_version_ids) = 0 then
        return null;
    end if;

    perform progress.signal_structure(
        v_bible_version_ids, array_fill(null::text, array[cardinality(v_bible_version_ids)])
    );
    return null;
end
$$;

comment on function progress.books_changed() is
'Signals every version of a canon whose books came, went, moved or were renumbered.';
