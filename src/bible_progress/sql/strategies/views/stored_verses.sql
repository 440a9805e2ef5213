create view progress.stored_verses
with (security_invoker = true) as
select s.*
from progress.live_verses as s;

comment on view progress.stored_verses is
'Nothing is stored at this level: the covered verses as the base tables say.';
