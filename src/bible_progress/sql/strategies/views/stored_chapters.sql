create view progress.stored_chapters
with (security_invoker = true) as
select s.*
from progress.live_chapters as s;

comment on view progress.stored_chapters is
'Nothing is stored at this level: the chapters as the base tables say.';
