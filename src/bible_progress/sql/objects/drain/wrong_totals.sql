create or replace function progress.wrong_totals()
returns table (chapter_id text, stored integer, counted bigint)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select c.id::text, c.total_verses::integer, count(v.id)
    from public.chapters as c
    left join public.verses as v on c.id = v.chapter_id
    group by c.id, c.total_verses
    having c.total_verses is distinct from count(v.id)
    order by c.id;
end
$$;

comment on function progress.wrong_totals() is
'Chapters whose total_verses is not the number of their verses, which is what counts.';
