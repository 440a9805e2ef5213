-- title: the installing role lacks rights
-- severity: error
-- when: always
-- why: It makes triggers on the host tables, schema progress, and views in schema public.
-- fix: Connect as the owner of the tables, or let this role be a member of it.
select
    'public.' || c.relname || ' belongs to ' || c.relowner::regrole || ', and ' || current_user
    || ' is not a member of that role' as finding,
    format('grant %%I to %%I;', c.relowner::regrole::text, current_user) as fix
from pg_catalog.pg_class as c
where
    c.relnamespace = 'public'::regnamespace
    and c.relname = any(%(tables)s)
    and c.relkind in ('r', 'p')
    and not pg_has_role(c.relowner, 'USAGE')
union all
select
    current_user || ' may not create in schema public' as finding,
    format('grant usage, create on schema public to %%I;', current_user) as fix
where not has_schema_privilege('public', 'CREATE')
union all
select
    current_user || ' may not create schema progress in database ' || current_database()
        as finding,
    format('grant create on database %%I to %%I;', current_database(), current_user) as fix
where
    not has_database_privilege(current_database(), 'CREATE')
    and to_regnamespace('progress') is null
order by finding;
