-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.chapter_list(
    p_kind text, p_version_id uuid, p_book_id text default null, p_stored boolean default false
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
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
                                    'book_id', e.book_id,
                                    'id', e.chapter_id,
                                    'number', e.chapter_number,
                                    'status',
                                    progress.coverage_status(e.covered_verses, e.total_verses),
                                    'covered_verses', e.covered_verses,
                                    'total_verses', e.total_verses,
                                    'percent', progress.percent(e.covered_verses, e.total_verses)
                                )
                                order by e.book_number, e.book_id, e.chapter_number, e.chapter_id
                            )
                        from progress.exact_chapters(
                            v.kind, v.version_id, p_book_id, p_stored
                        ) as e
                    ),
                    '[]'
                )
            )
        from progress.versions as v
        cross join lateral progress.freshness(v.kind, v.version_id, p_stored) as f
        where v.kind = p_kind and v.version_id = p_version_id
    );
end
$$;

comment on function progress.chapter_list(text, uuid, text, boolean) is
'The chapters of a version, or of one book of it, in canon order as one document, exact in this
snapshot. NULL for a version that is not there. With p_stored, as last drained.';
