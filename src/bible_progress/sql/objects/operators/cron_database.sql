create or replace function progress.cron_database()
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from pg_catalog.pg_extension as e where e.extname = 'pg_cron') then
        return current_database();
    end if;
    return nullif(current_setting('cron.database_name', true), '');
exception
    -- Some roles may not read where it is.
    when insufficient_privilege then
        return null;
end
$$;

comment on function progress.cron_database() is
'The database of this server that pg_cron lives in; NULL where there is none to be seen.';
