-- title: default privileges would show our tables to other roles
-- severity: warning
-- when: always
-- why: What install makes would be granted to them too. It takes back what PUBLIC, the API roles of
--   Supabase and the roles of --reader get, from others it does not.
-- fix: Take the default back, at least until install is done, or grant by name.
select
    'tables that ' || d.defaclrole::regrole || ' makes'
    || coalesce(' in schema ' || n.nspname, '') || ' are granted to ' || r.rolname
    || ' (' || lower(string_agg(a.privilege_type, ', ' order by a.privilege_type)) || ')'
        as finding,
    format(
        'alter default privileges for role %%I%%s revoke all on tables from %%I;',
        d.defaclrole::regrole::text,
        coalesce(' in schema ' || quote_ident(n.nspname), ''),
        r.rolname
    ) as fix
from pg_catalog.pg_default_acl as d
left join pg_catalog.pg_namespace as n on d.defaclnamespace = n.oid
cross join lateral aclexplode(d.defaclacl) as a
inner join pg_catalog.pg_roles as r on a.grantee = r.oid
where
    d.defaclobjtype = 'r'
    and (n.oid is null or n.nspname in ('public', 'progress'))
    and d.defaclrole = (
        select me.oid
        from pg_catalog.pg_roles as me
        where me.rolname = current_user
    )
    and a.grantee <> d.defaclrole
    and r.rolname <> all(%(readers)s)
    and r.rolname not in ('anon', 'authenticated', 'service_role')
group by
    d.defaclrole,
    n.nspname,
    r.rolname
order by finding;
