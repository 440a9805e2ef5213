create view progress.best_versions_by_source
with (security_invoker = true) as
select distinct on (s.source, ver.kind, ver.language_entity_id)
    s.source,
    ver.kind,
    ver.language_entity_id,
    ver.version_id
from progress.versions as ver
inner join (
    select
        l.source,
        l.kind,
        l.version_id,
        l.covered_verses,
        l.total_verses,
        l.chapters_with_any,
        l.complete_chapters,
        l.total_chapters,
        l.books_complete,
        l.total_books
    from progress.versions_by_source as l
    where l.source = 'live'
    union all
    select
        'stored'::text as source,
        r.kind,
        r.version_id,
        r.covered_verses,
        r.total_verses,
        r.chapters_with_any,
        r.complete_chapters,
        r.total_chapters,
        r.books_complete,
        r.total_books
    from progress.stored_versions as r
    union all
    select
        'exact'::text as source,
        v.kind,
        v.version_id,
        e.covered_verses,
        e.total_verses,
        e.chapters_with_any,
        e.complete_chapters,
        e.total_chapters,
        e.books_complete,
        e.total_books
    from progress.versions as v
    cross join lateral progress.exact_version(v.kind, v.version_id) as e
) as s on ver.kind = s.kind and ver.version_id = s.version_id
where s.covered_verses > 0 and ver.language_entity_id is not null
order by
    s.source asc,
    ver.kind asc,
    ver.language_entity_id asc,
    progress.rank(
        ver.kind,
        s.covered_verses,
        s.total_verses,
        s.chapters_with_any,
        s.complete_chapters,
        s.total_chapters,
        s.books_complete,
        s.total_books,
        ver.created_at
    ) desc,
    ver.version_id asc;

comment on view progress.best_versions_by_source is
'The best version of each language: most covered verses, then verse, chapter and book fraction,
then the newest, then the id. A version that covers nothing is never best.';
