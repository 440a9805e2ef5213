-- title: versions of languages that are deleted or not there
-- severity: warning
-- when: sound host
-- why: They keep their numbers and may be the best version of a language that nobody lists.
-- fix: Delete them too, or move them to the language that took its place.
select
    v.kind || ' version ' || v.id || ' (' || v.name || '): language ' || v.language_entity_id
    || case when l.id is null then ' is not there' else ' is deleted' end as finding
from (
    select
        'audio' as kind,
        a.id,
        a.name,
        a.language_entity_id
    from public.audio_versions as a
    where a.deleted_at is null
    union all
    select
        'text' as kind,
        t.id,
        t.name,
        t.language_entity_id
    from public.text_versions as t
    where t.deleted_at is null
) as v
left join public.language_entities as l on v.language_entity_id = l.id
where
    v.language_entity_id is not null
    and (l.id is null or l.deleted_at is not null)
order by finding;
