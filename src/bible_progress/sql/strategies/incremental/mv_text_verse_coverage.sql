-- progress: also audio for text
create or replace view public.mv_text_verse_coverage
with (security_invoker = true) as
select
    s.version_id as text_version_id,
    s.verse_id,
    s.chapter_id
from progress.stored_verses as s
where s.kind = 'text';

comment on view public.mv_text_verse_coverage is
'Stored: the verses that a text version has.';
