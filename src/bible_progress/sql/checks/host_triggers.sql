-- title: triggers and rules of the host that take part in writes
-- severity: advice
-- when: host
-- why: They are welcome. Before a row is written they may change it, and what they make of it
--   counts; afterwards they may write to other tables, and those writes are signalled too.
-- fix: Nothing to do. Rules that do something instead decide whether a write happens at all.
select
    case t.tgtype & 66 when 2 then 'before' when 64 then 'instead of' else 'after' end
    || ' trigger ' || t.tgname || ' on public.' || c.relname || ' calls ' || t.tgfoid::regproc
    || case when t.tgenabled = 'D' then ' (disabled)' else '' end as finding
from pg_catalog.pg_trigger as t
inner join pg_catalog.pg_class as c on t.tgrelid = c.oid
inner join pg_catalog.pg_proc as p on t.tgfoid = p.oid
inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
where
    c.relnamespace = 'public'::regnamespace
    and c.relname = any(%(tables)s)
    and not t.tgisinternal
    and n.nspname <> 'progress'
union all
select 'rule ' || r.rulename || ' on public.' || c.relname as finding
from pg_catalog.pg_rewrite as r
inner join pg_catalog.pg_class as c on r.ev_class = c.oid
where
    c.relnamespace = 'public'::regnamespace
    and c.relname = any(%(tables)s)
    and c.relkind in ('r', 'p')
order by finding;
