-- title: event triggers run when install makes its objects
-- severity: advice
-- when: always
-- why: One that raises an error stops the install; then nothing has changed.
-- fix: Nothing to do, unless install is refused by one of them.
select
    'event trigger ' || e.evtname || ' at ' || e.evtevent || ' calls ' || e.evtfoid::regproc
        as finding
from pg_catalog.pg_event_trigger as e
where e.evtenabled <> 'D'
order by finding;
