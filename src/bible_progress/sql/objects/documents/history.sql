-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.history(p_kind text, p_version_id uuid, p_days integer)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select
            json_build_object(
                'kind', v.kind,
                'version_id', v.version_id,
                'as_of', f.as_of,
                'pending', f.pending,
                'items', coalesce(
                    (
                        select
                            json_agg(
                                json_build_object(
                                    'day', h.day,
                                    'covered_verses', h.covered_verses,
                                    'total_verses', h.total_verses,
                                    'percent', progress.percent(h.covered_verses, h.total_verses),
                                    'complete_chapters', h.complete_chapters,
                                    'total_chapters', h.total_chapters,
                                    'books_complete', h.books_complete,
                                    'total_books', h.total_books
                                )
                                order by h.day
                            )
                        from (
                            select y.*
                            from progress.version_history as y
                            where y.kind = v.kind and y.version_id = v.version_id
                            order by y.day desc
                            limit p_days
                        ) as h
                    ),
                    '[]'
                )
            )
        from progress.versions as v
        cross join lateral progress.freshness(v.kind, v.version_id, true) as f
        where v.kind = p_kind and v.version_id = p_version_id
    );
end
$$;

comment on function progress.history(text, uuid, integer) is
'The state of a version at the end of each UTC day on which something changed, the last p_days of
them, as one document; as drained. NULL for a version that is not there.';
