-- title: roles that may write to partitions by their own names
-- severity: warning
-- when: host
-- why: Such writes fire no trigger of the partitioned table and leave no signal, and its row
--   security does not apply to them. Writing through the table needs no right on its partitions.
-- fix: Take those rights away.
select
    coalesce(r.rolname, 'everybody') || ' may write to ' || p.relid::text
    || ', a partition of public.' || c.relname as finding,
    format(
        'revoke insert, update, delete, truncate on %%s from %%s;',
        p.relid,
        coalesce(quote_ident(r.rolname), 'public')
    ) as fix
from pg_catalog.pg_class as c
cross join lateral pg_partition_tree(c.oid) as p
inner join pg_catalog.pg_class as child on p.relid = child.oid
cross join
    lateral (
        select g.grantee
        from aclexplode(child.relacl) as g
        where g.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
        union
        select g.grantee
        from pg_catalog.pg_attribute as a
        cross join lateral aclexplode(a.attacl) as g
        where
            a.attrelid = child.oid
            and not a.attisdropped
            and g.privilege_type in ('INSERT', 'UPDATE')
    ) as writer
left join pg_catalog.pg_roles as r on writer.grantee = r.oid
where
    c.relnamespace = 'public'::regnamespace
    and c.relname = any(%(tables)s)
    and c.relkind = 'p'
    and child.oid <> c.oid
    and writer.grantee <> child.relowner
order by finding;
