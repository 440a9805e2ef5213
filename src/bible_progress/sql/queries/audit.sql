-- name: versions
select
    kind,
    version_id
from progress.versions
union
select
    kind,
    version_id
from progress.version_rollup
order by
    kind,
    version_id;

-- name: sample
select
    v.kind,
    v.version_id
from (
    select
        kind,
        version_id
    from progress.versions
    union
    select
        kind,
        version_id
    from progress.version_rollup
) as v
order by random()
limit %(at_most)s;

-- name: drift
select
    level,
    side,
    difference
from progress.drift(%(kind)s, %(version_id)s);

-- name: is_dirty
select count(*) > 0 as is_dirty
from progress.dirty as d
where d.kind = %(kind)s and d.version_id = %(version_id)s;

-- name: repair
select progress.signal(%(kind)s, array[%(version_id)s::uuid], array[null::text]);

-- name: settings
select rollout_step
from progress.settings;

-- name: triggers
select
    t.tgname as name,
    c.relname as table_name,
    t.tgenabled in ('O', 'A') as is_enabled
from pg_catalog.pg_trigger as t
inner join pg_catalog.pg_class as c on t.tgrelid = c.oid
where
    c.relnamespace = 'public'::regnamespace
    and not t.tgisinternal
    and t.tgname like 'progress\_%%';

-- name: lying_totals
select
    c.id as chapter_id,
    c.total_verses as stored,
    count(v.id) as counted
from public.chapters as c
left join public.verses as v on c.id = v.chapter_id
group by
    c.id,
    c.total_verses
having c.total_verses is distinct from count(v.id)
order by c.id;
