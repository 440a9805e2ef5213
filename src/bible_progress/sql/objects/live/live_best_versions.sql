-- progress: also stored for live
-- progress: also exact for live
create view progress.live_best_versions
with (security_invoker = true) as
select distinct on (ver.kind, ver.language_entity_id)
    ver.kind,
    ver.language_entity_id,
    ver.version_id
from progress.versions as ver
inner join progress.live_versions as s on ver.kind = s.kind and ver.version_id = s.version_id
where s.covered_verses > 0 and ver.language_entity_id is not null
order by
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

comment on view progress.live_best_versions is
'The best version of each language by live numbers: most covered verses, then verse, chapter and
book fraction, then the newest, then the id. A version that covers nothing is never best.';
