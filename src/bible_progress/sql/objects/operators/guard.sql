create or replace function progress.guard(
    p_action text, p_automated boolean, p_override_reason text
)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if (select s.environment from progress.settings as s) <> 'production' or p_automated then
        return;
    end if;
    if p_override_reason is null or p_override_reason !~ '[^[:space:]]' then
        raise exception 'this is a production database: % by hand is refused', p_action
            using errcode = 'BP003',
            hint = 'The worker, pg_cron and CI may do it. To do it all the same, give '
            '--override "the reason"; the reason is recorded.';
    end if;
    insert into progress.override (action, reason)
    values (p_action, btrim(p_override_reason));
end
$$;

comment on function progress.guard(text, boolean, text) is
'Refuse a manual action in a production database, or record why it is done all the same.';
