create or replace function progress.rank_reason(p_best numeric[], p_next numeric[])
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
return case
    when p_next is null then 'the only version that covers anything'
    when p_best[1] > p_next[1] then 'covers most verses'
    when p_best[2] > p_next[2] then 'covers the largest share of its verses'
    when p_best[3] > p_next[3] then 'covers the largest share of its chapters'
    when p_best[4] > p_next[4] then 'has the largest share of complete books'
    when p_best[5] is distinct from p_next[5] then 'as much as others, and the newest'
    else 'as much as others, and the first by its id'
end;

comment on function progress.rank_reason(numeric[], numeric[]) is
'Why a version is better than the next one, of what progress.rank says of both; NULL: there is
none.';
