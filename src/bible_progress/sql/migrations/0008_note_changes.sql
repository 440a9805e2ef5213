-- progress: since 0.1.0

-- When covered verses came or went; NULL where they have only been counted.
alter table progress.version_rollup add column changed_at timestamptz;

-- What only was counted again among these is told apart by the history.
update progress.version_rollup as r
set changed_at = r.refreshed_at
where
    exists (
        select
        from progress.version_history as h
        where h.kind = r.kind and h.version_id = r.version_id
    );
