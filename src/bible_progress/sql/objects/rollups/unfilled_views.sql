create view progress.unfilled_views
with (security_invoker = true) as
select
    l.kind,
    l.stored
from progress.levels as l
inner join pg_catalog.pg_class as c on to_regclass(l.stored) = c.oid
where c.relkind = 'm' and not c.relispopulated;

comment on view progress.unfilled_views is
'The materialized views that cannot be read, as pg_restore leaves them: reads of them fail.';
