-- title: languages whose parents are missing, deleted or their own descendants
-- severity: warning
-- when: sound host
-- why: Reads of a language with its descendants leave them out, or go round in a circle once.
-- fix: Correct parent_id.
with recursive
above (id, ancestor, depth) as (
    select
        l.id,
        l.parent_id as ancestor,
        1 as depth
    from public.language_entities as l
    where l.parent_id is not null
    union
    select
        a.id,
        l.parent_id as ancestor,
        a.depth + 1 as depth
    from above as a
    inner join public.language_entities as l on a.ancestor = l.id
    where
        l.parent_id is not null
        and a.ancestor <> a.id
        and a.depth < 100
)

select 'language ' || l.id || ' (' || l.name || '): is its own ancestor' as finding
from public.language_entities as l
where
    l.deleted_at is null
    and exists (
        select
        from above as a
        where a.id = l.id and a.ancestor = l.id
    )
union all
select
    'language ' || l.id || ' (' || l.name || '): parent ' || l.parent_id
    || case when p.id is null then ' is not there' else ' is deleted' end as finding
from public.language_entities as l
left join public.language_entities as p on l.parent_id = p.id
where
    l.deleted_at is null
    and l.parent_id is not null
    and (p.id is null or p.deleted_at is not null)
order by finding;
