-- title: triggers of Bible Progress are missing or disabled
-- severity: warning
-- when: installed
-- why: Writes past them leave no signal, so stored numbers stay as they were.
-- fix: Run bible-progress install, which makes them anew and queues every version.
select
    ours.name || ' on public.' || ours.table_name || ' is '
    || case when t.oid is null then 'missing' else 'disabled' end as finding
from
    unnest(%(trigger_names)s::text[], %(trigger_tables)s::text[]) with ordinality
        as ours (name, table_name, place)
left join pg_catalog.pg_class as c
    on ours.table_name = c.relname and c.relnamespace = 'public'::regnamespace
left join pg_catalog.pg_trigger as t
    on
        c.oid = t.tgrelid
        and ours.name = t.tgname
        and not t.tgisinternal
where t.oid is null or t.tgenabled not in ('O', 'A')
order by ours.place;
