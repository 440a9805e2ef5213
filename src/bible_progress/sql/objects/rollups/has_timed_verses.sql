-- Every transaction that writes such a timing leaves a row of its own; here all but one of those
-- whose writers have ended are taken together.
create or replace function progress.has_timed_verses(p_audio_version_id uuid)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_notes integer := (
        select count(*) from progress.timed_version as n where n.audio_version_id = p_audio_version_id
    );
begin
    if v_notes > 1 then
        delete from progress.timed_version as n
        where
            n.audio_version_id = p_audio_version_id
            and n.xid < pg_snapshot_xmin(pg_current_snapshot())
            and n.xid < (
                select k.xid
                from progress.timed_version as k
                where k.audio_version_id = p_audio_version_id
                order by k.xid desc
                limit 1
            );
    end if;
    return v_notes > 0;
end
$$;

comment on function progress.has_timed_verses(uuid) is
'Whether verse timings of an audio version may cover more than its recordings do by their own
columns. Only the drain calls it, under the version''s lock.';
