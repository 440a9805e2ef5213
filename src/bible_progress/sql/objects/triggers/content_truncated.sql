create or replace function progress.content_truncated()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind text;
begin
    foreach v_kind in array tg_argv loop
        perform progress.signal_all(v_kind);
    end loop;
    return null;
end
$$;

comment on function progress.content_truncated() is
'Signals every version of the kinds given as trigger arguments. TRUNCATE is not MVCC-safe: an older
snapshot sees the emptied table before it sees the signal.';
