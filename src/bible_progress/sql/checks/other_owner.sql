-- title: Bible Progress belongs to another role
-- severity: error
-- when: installed
-- why: Its workers would lose their rights if another role made its objects anew.
-- fix: Connect as the role that installed it.
select 'schema progress belongs to role ' || n.nspowner::regrole as finding
from pg_catalog.pg_namespace as n
where
    n.nspname = 'progress'
    and n.nspowner <> (
        select r.oid
        from pg_catalog.pg_roles as r
        where r.rolname = current_user
    );
