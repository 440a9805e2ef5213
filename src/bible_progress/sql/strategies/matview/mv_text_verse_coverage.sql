-- progress: also audio for text
create materialized view if not exists public.mv_text_verse_coverage as
select
    s.version_id as text_version_id,
    s.verse_id,
    s.chapter_id
from progress.computed_verses('text') as s
with no data;

create unique index if not exists mv_text_verse_coverage_key
on public.mv_text_verse_coverage (text_version_id, verse_id);

comment on materialized view public.mv_text_verse_coverage is
'As of the last refresh: the verses that a text version has.';
