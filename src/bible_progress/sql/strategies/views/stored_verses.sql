create view progress.stored_verses
with (security_invoker = true) as
select
    l.kind,
    l.version_id,
    l.verse_id,
    l.chapter_id
from progress.live_verses as l;

comment on view progress.stored_verses is
'Nothing is stored at this level: the covered verses as the base tables say.';
