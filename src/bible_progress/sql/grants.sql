-- Who may do what, in one place. Readers get the contract, what its views read through, and the
-- functions that clients call; workers and admins get functions that run as their owner, and no
-- relation. Roles that are not there get nothing.

do $$
declare
    -- By signature: a host may have functions of these names with other arguments.
    v_clients regprocedure[] := array[
        'public.progress_tree(text, uuid, text, text)',
        'public.progress_gaps(text, uuid, integer, text)',
        'public.progress_compare(text[], uuid[])',
        'public.progress_best_versions(uuid, boolean)'
    ];
    v_refresh regprocedure := 'public.progress_refresh(numeric, text)';
    v_contract text := '^(mv_)?((audio|text)_((verse|chapter|book)_coverage'
    '|version_progress_summary)|language_entity_best_(audio|text)_version)$';
    -- What relationships.sql makes: it reads with the rights of its caller.
    v_relationships oid[] := array(
        select p.oid
        from progress.relationships as r
        inner join
            pg_catalog.pg_class as c
            on c.relnamespace = 'public'::regnamespace and r.source = c.relname
        inner join
            pg_catalog.pg_proc as p
            on c.relnamespace = p.pronamespace
            and r.target = p.proname
            and p.pronargs = 1
            and p.proargtypes[0] = c.reltype
    );
    -- What was there before, and which readers it had.
    v_before constant jsonb := current_setting('bible_progress.before')::jsonb;
    v_known constant text[] := array[
        'anon', 'authenticated', 'service_role', 'progress_reader', 'progress_worker',
        'progress_admin'
    ];
    v_revoke text;
    v_role text;
begin
    -- Its owner could put functions of his own in the place of ours, which run as their owner. Looked
    -- at here too, for one that was made since the checks looked.
    if exists (
        select
        from pg_catalog.pg_namespace as n
        where n.nspname = 'progress' and n.nspowner <> current_user::regrole
    ) then
        raise exception 'schema progress belongs to another role'
            using errcode = 'BP011', hint = 'Have it dropped, or connect as that role.';
    end if;

    -- What default privileges of the host give to others on what is new, such as those of Supabase
    -- on everything in public, is taken back; and from the roles that are served below whatever
    -- they have. What an operator gave to another role on what was there already stays.
    for v_revoke in
        with ours as (
            select
                'schema' as kind,
                n.nspname::regnamespace::text as name,
                n.nspowner as owner,
                n.nspacl as acl,
                v_before ? 'relations' as is_kept
            from pg_catalog.pg_namespace as n
            where n.nspname = 'progress'
            union all
            select
                case c.relkind when 'S' then 'sequence' else 'table' end,
                c.oid::regclass::text,
                c.relowner,
                nullif(
                    c.relacl || array(
                        select unnest(a.attacl)
                        from pg_catalog.pg_attribute as a
                        where a.attrelid = c.oid and not a.attisdropped
                    ),
                    '{}'
                ),
                coalesce(v_before -> 'relations' ? c.oid::text, false)
            from pg_catalog.pg_class as c
            where
                c.relkind in ('r', 'v', 'm', 'S')
                and (
                    c.relnamespace = 'progress'::regnamespace
                    or (
                        c.relnamespace = 'public'::regnamespace
                        and (
                            c.relname ~ '^progress_refresh_(queue|dead_letter)$'
                            or c.relname ~ v_contract
                        )
                    )
                )
            union all
            select
                'routine',
                p.oid::regprocedure::text,
                p.proowner,
                p.proacl,
                coalesce(v_before -> 'routines' ? p.oid::text, false)
            from pg_catalog.pg_proc as p
            where
                p.pronamespace = 'progress'::regnamespace
                or p.oid = any ((v_clients || v_refresh)::oid[])
                or p.oid = any (v_relationships)
        )

        select format('revoke all on %s %s from %s cascade', o.kind, o.name, g.grantee)
        from ours as o
        cross join lateral (
            -- Everybody may have been let see the contract, and nothing else.
            select 'public' as grantee
            where
                not o.is_kept
                or o.kind <> 'table'
                or replace(o.name, 'public.', '') !~ v_contract
            union
            select quote_ident(r.rolname)
            from aclexplode(o.acl) as a
            inner join pg_catalog.pg_roles as r on a.grantee = r.oid
            where
                a.grantee <> o.owner
                and (
                    not o.is_kept
                    or r.rolname = any (v_known)
                    or v_before -> 'readers' ? r.rolname
                    or r.rolname in (select unnest(s.reader_roles) from progress.settings as s)
                )
        ) as g
    loop
        execute v_revoke;
    end loop;

    for v_role in
        select quote_ident(r.rolname)
        from pg_catalog.pg_roles as r
        where
            r.rolname in ('anon', 'authenticated', 'service_role', 'progress_reader')
            or r.rolname in (select unnest(s.reader_roles) from progress.settings as s)
    loop
        execute 'grant select on '
        || (
            select string_agg(c.oid::regclass::text, ', ')
            from pg_catalog.pg_class as c
            where
                c.relnamespace = 'public'::regnamespace
                and c.relkind in ('v', 'm')
                and c.relname ~ v_contract
        )
        || ' to ' || v_role;
        execute 'grant execute on function '
        || array_to_string(v_relationships::regprocedure[], ', ')
        || ' to ' || v_role;
        -- Without usage of the schema what the first four call is out of reach by name.
        execute format(
            'grant execute on function %s, progress.tree, progress.gap_list,'
            ' progress.comparison, progress.language, progress.visible_to_caller,'
            ' progress.language_descendants to %s',
            array_to_string(v_clients, ', '),
            v_role
        );
    end loop;

    -- What the views of the contract read through, for whoever may read one of them.
    for v_role in
        select distinct quote_ident(r.rolname)
        from pg_catalog.pg_class as c
        left join pg_catalog.pg_attribute as a on c.oid = a.attrelid and a.attacl is not null
        cross join lateral aclexplode(c.relacl || a.attacl) as g
        inner join pg_catalog.pg_roles as r on g.grantee = r.oid
        where
            c.relnamespace = 'public'::regnamespace
            and c.relkind in ('v', 'm')
            and c.relname ~ v_contract
            and g.privilege_type = 'SELECT'
            and g.grantee <> c.relowner
    loop
        execute format(
            'grant select on progress.chapter_bitmap, progress.book_rollup,'
            ' progress.version_rollup, progress.versions, progress.canon_chapters,'
            ' progress.text_verses, progress.recordings, progress.whole_chapters,'
            ' progress.recorded_verses,'
            ' progress.live_verses, progress.live_chapters, progress.live_book_sums,'
            ' progress.live_books, progress.live_version_sums, progress.live_versions,'
            ' progress.live_best_versions, progress.rollup_chapters, progress.rollup_books,'
            ' progress.stored_verses, progress.stored_chapters, progress.stored_books,'
            ' progress.stored_versions, progress.stored_best_versions to %s',
            v_role
        );
        execute format(
            'grant execute on function progress.fraction, progress.chapter_fraction,'
            ' progress.is_complete, progress.rank, progress.blank_characters,'
            ' progress.blank_code_points, progress.text_counts,'
            ' progress.media_counts, progress.verses_between, progress.suspended to %s',
            v_role
        );
    end loop;

    for v_role in
        select r.rolname
        from pg_catalog.pg_roles as r
        where r.rolname in ('progress_worker', 'progress_admin')
    loop
        execute 'grant usage on schema progress to ' || v_role;
        -- Drains, audits and their status; the documents of the HTTP API.
        execute format(
            'grant execute on routine progress.due_versions, progress.drain_version,'
            ' progress.is_backing_off, progress.record_lost_drain, progress.warm_up,'
            ' progress.drain, progress.audit, progress.drain_deadline,'
            ' progress.has_unsettled_changes,'
            ' progress.require_schema, progress.suspended, progress.beat, progress.leave, progress.guard,'
            ' progress.current_status, progress.failures, progress.waiting_versions,'
            ' progress.hindrances,'
            ' progress.auditable_versions, progress.is_dirty, progress.why_dirty,'
            ' progress.signal_unsignalled,'
            ' progress.drift, progress.repair, progress.wrong_totals,'
            ' progress.version_list, progress.tree, progress.siblings, progress.book_list,'
            ' progress.chapter_list,'
            ' progress.chapter, progress.gap_list, progress.comparison, progress.history,'
            ' progress.language_list, progress.language, progress.freshness,'
            ' progress.freshness_of, progress.language_freshness, progress.version_states,'
            ' progress.version_names, progress.overview,'
            ' %s to %s',
            v_refresh,
            v_role
        );
    end loop;

    if exists (select from pg_catalog.pg_roles as r where r.rolname = 'progress_admin') then
        grant execute on routine progress.dead_letters, progress.retry_dead_letters,
        progress.discard_dead_letter, progress.signal_all, progress.signal_version,
        progress.measurements, progress.overrides to progress_admin;
    end if;

    if exists (select from pg_catalog.pg_roles as r where r.rolname = 'service_role') then
        execute format('grant execute on function %s to service_role', v_refresh);
    end if;
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
