-- What calls pg_cron is built when it runs: where that is absent, nothing names what is not there.
create or replace function progress.schedule(p_every_seconds integer default 60)
returns setof text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_version text;
    v_job record;
begin
    select e.extversion into v_version
    from pg_catalog.pg_extension as e
    where e.extname = 'pg_cron';
    if v_version is null then
        raise exception 'pg_cron is not in database %', current_database()
            using errcode = 'BP012',
            hint = case
                when progress.cron_database() is null then
                    'Load it into the server (shared_preload_libraries) and create extension '
                    'pg_cron; or let bible-progress worker drain. In another database of this '
                    'server only roles with pg_read_all_settings see it.'
                when progress.cron_database() = current_database() then
                    'As a superuser: create extension pg_cron'
                else
                    'It lives in database ' || progress.cron_database()
                    || ': bible-progress schedule puts the jobs there.'
            end;
    end if;
    if not has_schema_privilege('cron', 'usage') then
        raise exception 'role % may not use pg_cron', current_user
            using errcode = 'BP012',
            hint = format('As a superuser: grant usage on schema cron to %I', current_user);
    end if;

    update progress.settings set cron_database = current_database();
    for v_job in
        select j.name, j.schedule, j.command
        from progress.cron_jobs(p_every_seconds, v_version) as j
    loop
        execute format(
            'select %I.schedule(%L, %L, %L)', 'cron', v_job.name, v_job.schedule, v_job.command
        );
        return next v_job.name;
    end loop;
end
$$;

comment on function progress.schedule(integer) is
'Let pg_cron, in this database, drain every so many seconds, audit, and purge its log; returns the
names of the jobs. Again with another period, it changes them. bible-progress schedule does it where
pg_cron lives in another database.';
