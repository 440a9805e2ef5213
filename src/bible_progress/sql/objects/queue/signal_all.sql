create or replace function progress.signal_all(p_kind text)
returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
select progress.signal(
    p_kind, array_agg(known.version_id), array_agg(null::text)
)
from (
    select v.version_id from progress.versions as v where v.kind = p_kind
    union
    select r.version_id from progress.version_rollup as r where r.kind = p_kind
) as known
$$;

comment on function progress.signal_all(text) is
'Queue every version of a kind as a whole, those included that only the rollups still know.';
