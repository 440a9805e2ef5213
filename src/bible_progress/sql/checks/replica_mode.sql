-- title: a setting switches triggers off
-- severity: warning
-- when: always
-- why: In session_replication_role replica no ordinary trigger runs, and changes leave no signal.
-- fix: Reset it, and let loads that need it be followed by bible-progress refresh --all.
select
    'session_replication_role is replica'
    || coalesce(' for role ' || nullif(s.setrole, 0)::regrole, '')
    || coalesce(' in database ' || d.datname, ' in every database') as finding
from pg_catalog.pg_db_role_setting as s
left join pg_catalog.pg_database as d on s.setdatabase = d.oid
where
    'session_replication_role=replica' = any(s.setconfig)
    and (s.setdatabase = 0 or d.datname = current_database())
order by finding;
