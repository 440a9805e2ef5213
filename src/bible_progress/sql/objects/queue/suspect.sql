-- A snapshot from before a change of strategy sees the old one in the settings; what the new one
-- stores says nothing about that snapshot.
create view progress.suspect
with (security_invoker = true) as
select
    s.kind,
    s.version_id,
    s.chapter_id
from progress.signalled as s
union all
select
    ver.kind,
    ver.version_id,
    null::text as chapter_id
from progress.versions as ver
where
    case progress.strategy()
        when 'incremental' then (select c.rollout_step <> 5 from progress.settings as c)
        when 'matview'
            then (
                select c.rollout_step <> 4 from progress.settings as c
            ) or not progress.is_filled()
        else true
    end;

comment on view progress.suspect is
'The chapters of which something may be stored that differs from the base tables; chapter NULL: the
whole version. Where no triggers signal, or nothing is stored, that is every version.';
