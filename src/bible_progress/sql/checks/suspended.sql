-- title: Bible Progress is suspended
-- severity: warning
-- when: installed
-- why: Its views refuse to be read and writes leave no signal, until an install.
-- fix: Run bible-progress install once the host tables are as they shall be.
select
    'since ' || to_char(
        (to_jsonb(s) ->> 'suspended_at')::timestamptz at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'
    ) as finding
from progress.settings as s
where to_jsonb(s) ->> 'suspended_at' is not null;
