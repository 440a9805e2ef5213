-- title: Bible Progress belongs to another role
-- severity: error
-- when: always
-- why: The owner of the schema can replace our functions, of which some run as who installs.
-- fix: Connect as the role that installed it, or have an empty schema progress dropped.
select 'schema progress belongs to role ' || n.nspowner::regrole as finding
from pg_catalog.pg_namespace as n
where
    n.nspname = 'progress'
    and n.nspowner <> (
        select r.oid
        from pg_catalog.pg_roles as r
        where r.rolname = current_user
    );
