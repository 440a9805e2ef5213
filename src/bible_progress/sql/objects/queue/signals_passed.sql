create or replace function progress.signals_passed()
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return pg_stat_get_xact_tuples_returned('public.progress_refresh_queue_pkey'::regclass)
        + pg_stat_get_xact_tuples_returned('progress.unsettled_change_pkey'::regclass)
        + pg_stat_get_xact_tuples_returned('progress.deleted_media_file_pkey'::regclass);
end
$$;

comment on function progress.signals_passed() is
'How many entries of queue and notes, those that are gone included, this session has looked at in
the order of their transactions; only the difference of two calls in one transaction says anything.';
