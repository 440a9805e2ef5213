-- title: tables that install made are open to the roles of an API
-- severity: error
-- when: installed
-- install: goes on
-- why: Whoever has the public key of the project may use them, and no row security is in the way.
-- fix: Close them, then grant and let policies say who may do what (docs/how-to/supabase.md).
select
    string_agg(r.rolname || ' (' || held.privileges || ')', ', ' order by r.rolname) || ' may use '
    || 'public.' || c.relname || ', which has no row security' as finding,
    format(
        'alter table public.%%1$I enable row level security;'
        ' revoke all on public.%%1$I from public, %%2$s;',
        c.relname,
        string_agg(quote_ident(r.rolname), ', ' order by r.rolname)
    ) as fix
from progress.settings as s
inner join pg_catalog.pg_class as c
    on
        s.owns_host_tables
        and c.relname = any(%(tables)s)
        and c.relnamespace = 'public'::regnamespace
        and c.relkind in ('r', 'p')
        and not c.relrowsecurity
inner join pg_catalog.pg_roles as r on r.rolname in ('anon', 'authenticated')
cross join
    lateral (
        select string_agg(p.name, ', ' order by p.place) as privileges
        from
            unnest(array['select', 'insert', 'update', 'delete', 'truncate'])
            with ordinality as p (name, place)
        where
            case p.name
                when 'delete' then has_table_privilege(r.oid, c.oid, 'delete')
                when 'truncate' then has_table_privilege(r.oid, c.oid, 'truncate')
                else has_any_column_privilege(r.oid, c.oid, p.name)
            end
    ) as held
where held.privileges is not null
group by c.relname
order by finding;
