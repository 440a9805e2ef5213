-- Of both kinds: a plan that names the materialized views of one opens those of the other too.
create or replace function progress.is_filled()
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
select bool_and(c.oid is not null and c.relispopulated)
from progress.levels as l
left join pg_catalog.pg_class as c on to_regclass(l.stored) = c.oid
$$;

comment on function progress.is_filled() is
'Whether the stored relation of every level is there and can be read.';
