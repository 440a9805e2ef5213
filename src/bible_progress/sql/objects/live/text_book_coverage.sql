-- progress: also audio for text
create or replace view public.text_book_coverage
with (security_invoker = true) as
select
    b.version_id as text_version_id,
    b.book_id,
    b.complete_chapters,
    b.total_chapters,
    progress.is_complete(b.covered_verses, b.total_verses) as is_complete,
    b.covered_verses,
    b.total_verses,
    b.chapters_with_any as chapters_with_text,
    b.book_number
from progress.live_books as b
where b.kind = 'text';

comment on view public.text_book_coverage is
'From the base tables as they are now: every book of each text version''s canon, zeros included.';
