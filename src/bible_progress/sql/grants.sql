-- Who may do what, in one place. Readers get the contract and what its views read through;
-- writes reach our tables only through functions that run as their owner.

-- Some hosts grant everything in public to API roles by default: take that back first.
do $$
declare
    v_role text;
    v_relation regclass;
    v_readers text[] := array(
        select r.rolname::text
        from pg_catalog.pg_roles as r
        where
            r.rolname in ('anon', 'authenticated', 'service_role')
            or r.rolname in (select unnest(s.reader_roles) from progress.settings as s)
    );
begin
    revoke all on schema progress from public;
    revoke all on all tables in schema progress from public;
    revoke all on all functions in schema progress from public;
    revoke all on all procedures in schema progress from public;

    for v_relation in
        select c.oid::regclass
        from pg_catalog.pg_class as c
        where
            c.relnamespace = 'public'::regnamespace
            and (
                c.relname in ('progress_refresh_queue', 'progress_refresh_dead_letter')
                or (
                    c.relkind in ('v', 'm')
                    and c.relname ~ (
                        '^(mv_)?((audio|text)_((verse|chapter|book)_coverage|version_progress_summary)'
                        '|language_entity_best_(audio|text)_version)$'
                    )
                )
            )
    loop
        execute format('revoke all on table %s from public', v_relation);
        foreach v_role in array v_readers loop
            execute format('revoke all on table %s from %I', v_relation, v_role);
            if v_relation not in (
                'public.progress_refresh_queue'::regclass,
                'public.progress_refresh_dead_letter'::regclass
            ) then
                execute format('grant select on table %s to %I', v_relation, v_role);
            end if;
        end loop;
    end loop;

    foreach v_role in array v_readers loop
        execute format(
            'grant select on progress.chapter_bitmap, progress.book_rollup,'
            ' progress.version_rollup, progress.versions, progress.canon_chapters,'
            ' progress.recordings, progress.recorded_verses,'
            ' progress.live_verses, progress.live_chapters, progress.rollup_chapters,'
            ' progress.stored_verses, progress.stored_chapters, progress.stored_books,'
            ' progress.stored_versions, progress.chapters_by_source, progress.books_by_source,'
            ' progress.versions_by_source, progress.best_versions_by_source to %I',
            v_role
        );
        execute format(
            'grant execute on function progress.fraction, progress.chapter_fraction,'
            ' progress.is_complete, progress.rank, progress.blank_characters, progress.text_counts,'
            ' progress.media_counts to %I',
            v_role
        );
    end loop;
end
$$;

-- A rollup row shows only to roles that may see its version.
do $$
declare
    v_table text;
begin
    foreach v_table in array array[
        'chapter_bitmap', 'book_rollup', 'version_rollup', 'version_history'
    ] loop
        execute format('drop policy if exists visible_with_their_version on progress.%I', v_table);
        execute format(
            'create policy visible_with_their_version on progress.%1$I for select using ('
            ' case %1$I.kind'
            ' when ''audio'' then exists ('
            '     select from public.audio_versions as v where v.id = %1$I.version_id)'
            ' else exists ('
            '     select from public.text_versions as v where v.id = %1$I.version_id)'
            ' end)',
            v_table
        );
    end loop;
end
$$;
