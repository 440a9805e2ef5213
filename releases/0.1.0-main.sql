-- steps 1
-- Bible Progress 0.1.0: a new installation, strategy views.
-- steps 2 3 4
-- Bible Progress 0.1.0: a new installation, strategy matview.
-- steps 5
-- Bible Progress 0.1.0: a new installation, strategy incremental.
-- steps 1 2 3 4 5
-- Written by `bible-progress export supabase`; not to be edited. Apply it whole, in one
-- transaction, as `supabase db push` does. Applying it again is harmless.
-- steps 1
-- sha256 of what follows this line: ecfaad5c5a8a389a87809de8efb415d631dcbc10d19755890951283f49449495
-- steps 2
-- sha256 of what follows this line: 16b5f08e80efd7c31e9f7aa257aaf9f56e1ada651ee05c802629cbb62484e6ef
-- steps 3
-- sha256 of what follows this line: 24a213757d8e5ff27ffd2276a1508c4824287323463115412347da884f607b18
-- steps 4
-- sha256 of what follows this line: 8dab99db6dca2865dcd66f130556b03ceefb349138128e27842cb2cdabe5838f
-- steps 5
-- sha256 of what follows this line: 1cb8b8a05d6200204f9d330dbb19760f5bfb9744b3fbe1e05febea7f83540072
-- steps 1 2 3 4 5

-- Objects of others stay out of this, and out of what it makes. By whole names: nothing is pinned
-- yet.
select
    pg_catalog.set_config(
        'bible_progress.search_path', pg_catalog.current_setting('search_path'), true
    );

-- By its whole name, since nothing is pinned yet.
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

-- What follows belongs together: a file that is run statement by statement, as psql does without
-- --single-transaction, could end half done. Ending the session is what stops such a program.
-- By whole names, since there may be no transaction that holds the pinned path.
select
    pg_catalog.set_config(
        'bible_progress.transaction', pg_catalog.pg_current_xact_id()::pg_catalog.text, true
    );

do $bible_progress$
begin
    if
        coalesce(pg_catalog.current_setting('bible_progress.transaction', true), '')
        operator(pg_catalog.<>) pg_catalog.pg_current_xact_id()::pg_catalog.text
    then
        raise warning
            'this file must be applied in one transaction, as supabase db push does; '
            'with psql, give --single-transaction. Nothing was changed.';
        perform pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid());
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if true then
        select string_agg(found.what, '; ')
        into v_found
        from (
            select 'the server is PostgreSQL ' || current_setting('server_version') as finding
            where current_setting('server_version_num')::integer < 150000
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('the server is too old: %s', v_found), hint = 'Upgrade the server to PostgreSQL 15 or newer.';
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if true then
        select string_agg(found.what, '; ')
        into v_found
        from (
            select
                'database ' || current_database() || ' is encoded in ' || current_setting('server_encoding')
                || '; UTF8 is needed' as finding
            where current_setting('server_encoding') <> 'UTF8'
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('the database is not encoded in UTF8: %s', v_found), hint = 'Make a database with encoding UTF8 and move the data.';
        end if;
    end if;
end
$bible_progress$;

select set_config('lock_timeout', '30000', true);

do $bible_progress$
begin
    execute 'select pg_advisory_xact_lock(hashtextextended(''bible-progress/install'', 0))';
exception
    when lock_not_available then
        raise exception 'a drain or another install ran for % s; nothing was changed', '30'
            using errcode = 'BP011', hint = 'Try again at a quieter moment.';
end
$bible_progress$;

select set_config('lock_timeout', '0', true);

-- Looked at before anything is changed; kept until the end of this transaction.
select
    set_config(
        'bible_progress.installed', (to_regclass('progress.settings') is not null)::text, true
    ),
    set_config(
        'bible_progress.creates_host_tables',
        ((select count(present.table_name) from (
            select relname as table_name
            from pg_catalog.pg_class
            where
                relnamespace = 'public'::regnamespace
                and relname = any('{users,bible_versions,books,chapters,verses,language_entities,audio_versions,text_versions,media_files,media_files_verses,verse_texts}')
        ) as present) = 0)::text,
        true
    ),
    set_config(
        'bible_progress.signals_everything',
        (
            to_regclass('progress.settings') is null
            or (select count(found.finding) from (
                select
                    ours.name || ' on public.' || ours.table_name || ' is '
                    || case when t.oid is null then 'missing' else 'disabled' end as finding
                from
-- steps 1 2 3
                    unnest('{}'::text[], '{}'::text[]) with ordinality
-- steps 4 5
                    unnest('{progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate}'::text[], '{books,books,books,books,chapters,chapters,chapters,chapters,verses,verses,verses,verses,audio_versions,audio_versions,audio_versions,audio_versions,text_versions,text_versions,text_versions,text_versions,verse_texts,verse_texts,verse_texts,verse_texts,media_files,media_files,media_files,media_files,media_files_verses,media_files_verses,media_files_verses,media_files_verses}'::text[]) with ordinality
-- steps 1 2 3 4 5
                        as ours (name, table_name, place)
                left join pg_catalog.pg_class as c
                    on ours.table_name = c.relname and c.relnamespace = 'public'::regnamespace
                left join pg_catalog.pg_trigger as t
                    on
                        c.oid = t.tgrelid
                        and ours.name = t.tgname
                        and not t.tgisinternal
                where t.oid is null or t.tgenabled not in ('O', 'A')
                order by ours.place
            ) as found) > 0
        )::text,
        true
    );

do $bible_progress$
declare
    v_found text;
begin
    if current_setting('bible_progress.installed')::boolean then
        select string_agg(found.what, '; ')
        into v_found
        from (
            select
                'this database was installed by Bible Progress ' || s.package_version
                || ', which is newer than this one (' || '0.1.0' || ')' as finding
            from progress.settings as s
            where
                s.schema_version > 1
                or (
                    select (array_agg(found.number[1]::integer))[1:3]
                    from regexp_matches(s.package_version, '[0-9]+', 'g') as found (number)
                ) > (
                    select (array_agg(found.number[1]::integer))[1:3]
                    from regexp_matches('0.1.0', '[0-9]+', 'g') as found (number)
                )
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('a newer Bible Progress installed this database: %s', v_found), hint = 'Upgrade the package: pip install --upgrade bible-progress';
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if true then
        select string_agg(found.what, '; ')
        into v_found
        from (
            select 'schema progress belongs to role ' || n.nspowner::regrole as finding
            from pg_catalog.pg_namespace as n
            where
                n.nspname = 'progress'
                and n.nspowner <> (
                    select r.oid
                    from pg_catalog.pg_roles as r
                    where r.rolname = current_user
                )
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('Bible Progress belongs to another role: %s', v_found), hint = 'Connect as the role that installed it, or have an empty schema progress dropped.';
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if current_setting('bible_progress.installed')::boolean then
        select string_agg(found.what, '; ')
        into v_found
        from (
            select
                coalesce(
                    (array['views', null, null, 'matview', 'incremental'])[s.rollout_step],
                    'half way, on step ' || s.rollout_step
                )
            from progress.settings as s
-- steps 1
            where s.rollout_step <> 1
-- steps 2
            where s.rollout_step <> 2
-- steps 3
            where s.rollout_step <> 3
-- steps 4
            where s.rollout_step <> 4
-- steps 5
            where s.rollout_step <> 5
-- steps 1 2 3 4 5
        ) as found (what);
        if v_found is not null then
            raise exception using
-- steps 1
                errcode = 'BP011', message = format('the strategy of this database is %s, not views', v_found), hint = 'Export with the --strategy of this database; on a step half way use install.';
-- steps 2 3 4
                errcode = 'BP011', message = format('the strategy of this database is %s, not matview', v_found), hint = 'Export with the --strategy of this database; on a step half way use install.';
-- steps 5
                errcode = 'BP011', message = format('the strategy of this database is %s, not incremental', v_found), hint = 'Export with the --strategy of this database; on a step half way use install.';
-- steps 1 2 3 4 5
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if true then
        select string_agg(found.what, '; ')
        into v_found
        from (
            select 'the server is a standby' as finding
            where pg_is_in_recovery()
            union all
            select 'default_transaction_read_only is on for role ' || current_user as finding
            where not pg_is_in_recovery() and current_setting('default_transaction_read_only')::boolean
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('nothing can be written here: %s', v_found), hint = 'Connect to the primary, or clear default_transaction_read_only.';
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if true then
        select string_agg(found.what, '; ')
        into v_found
        from (
            select
                'public.' || c.relname || ' belongs to ' || c.relowner::regrole || ', and ' || current_user
                || ' is not a member of that role' as finding,
                format('grant %I to %I;', c.relowner::regrole::text, current_user) as fix
            from pg_catalog.pg_class as c
            where
                c.relnamespace = 'public'::regnamespace
                and c.relname = any('{users,bible_versions,books,chapters,verses,language_entities,audio_versions,text_versions,media_files,media_files_verses,verse_texts}')
                and c.relkind in ('r', 'p')
                and not pg_has_role(c.relowner, 'USAGE')
            union all
            select
                current_user || ' may not create in schema public' as finding,
                format('grant usage, create on schema public to %I;', current_user) as fix
            where not has_schema_privilege('public', 'CREATE')
            union all
            select
                current_user || ' may not create schema progress in database ' || current_database()
                    as finding,
                format('grant create on database %I to %I;', current_database(), current_user) as fix
            where
                not has_database_privilege(current_database(), 'CREATE')
                and to_regnamespace('progress') is null
            order by finding
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('the installing role lacks rights: %s', v_found), hint = 'Connect as the owner of the tables, or let this role be a member of it.';
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if not current_setting('bible_progress.installed')::boolean then
        select string_agg(found.what, '; ')
        into v_found
        from (
            -- Only what is certain: each object by its name, by its shape, and by what it reads or calls. The
            -- statements drop them one by one in the order of their places, so that none needs cascade.
            with recursive
            contract (name, columns) as (
                select
                    c.key as name,
                    c.value as columns
                from jsonb_each('{"audio_verse_coverage": ["audio_version_id", "verse_id"], "audio_chapter_coverage": ["audio_version_id", "chapter_id", "covered_verses", "total_verses", "has_any", "is_complete"], "audio_book_coverage": ["audio_version_id", "book_id", "complete_chapters", "total_chapters", "is_complete"], "audio_version_progress_summary": ["audio_version_id", "covered_verses", "total_verses", "verse_fraction", "chapters_with_audio", "total_chapters", "chapter_fraction", "books_complete", "total_books", "book_fraction"], "text_verse_coverage": ["text_version_id", "verse_id"], "text_chapter_coverage": ["text_version_id", "chapter_id", "verses_with_text", "total_verses", "is_complete"], "text_book_coverage": ["text_version_id", "book_id", "complete_chapters", "total_chapters", "is_complete"], "text_version_progress_summary": ["text_version_id", "covered_verses", "total_verses", "verse_fraction", "complete_chapters", "total_chapters", "chapter_fraction", "books_complete", "total_books", "book_fraction"], "language_entity_best_audio_version": ["language_entity_id", "audio_version_id"], "language_entity_best_text_version": ["language_entity_id", "text_version_id"], "mv_audio_verse_coverage": ["audio_version_id", "verse_id"], "mv_audio_chapter_coverage": ["audio_version_id", "chapter_id", "covered_verses", "total_verses", "has_any", "is_complete"], "mv_audio_book_coverage": ["audio_version_id", "book_id", "complete_chapters", "total_chapters", "is_complete"], "mv_audio_version_progress_summary": ["audio_version_id", "covered_verses", "total_verses", "verse_fraction", "chapters_with_audio", "total_chapters", "chapter_fraction", "books_complete", "total_books", "book_fraction"], "mv_text_verse_coverage": ["text_version_id", "verse_id"], "mv_text_chapter_coverage": ["text_version_id", "chapter_id", "verses_with_text", "total_verses", "is_complete"], "mv_text_book_coverage": ["text_version_id", "book_id", "complete_chapters", "total_chapters", "is_complete"], "mv_text_version_progress_summary": ["text_version_id", "covered_verses", "total_verses", "verse_fraction", "complete_chapters", "total_chapters", "chapter_fraction", "books_complete", "total_books", "book_fraction"], "mv_language_entity_best_audio_version": ["language_entity_id", "audio_version_id"], "mv_language_entity_best_text_version": ["language_entity_id", "text_version_id"]}'::jsonb) as c
            ),

            -- What a view reads, through other views.
            reads (view_id, relation_id) as (
                select
                    c.oid as view_id,
                    d.refobjid as relation_id
                from contract as k
                inner join pg_catalog.pg_class as c
                    on k.name = c.relname and c.relnamespace = 'public'::regnamespace
                inner join pg_catalog.pg_rewrite as r on c.oid = r.ev_class
                inner join pg_catalog.pg_depend as d
                    on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
                where d.refclassid = 'pg_class'::regclass and d.refobjid <> c.oid
                union
                select
                    t.view_id,
                    d.refobjid as relation_id
                from reads as t
                inner join pg_catalog.pg_rewrite as r on t.relation_id = r.ev_class
                inner join pg_catalog.pg_depend as d
                    on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
                where d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
            ),

            -- Views and materialized views of the contract's names that have its key columns and read the
            -- content of the host.
            relations as (
                select
                    c.oid,
                    c.relname as name,
                    case c.relkind when 'm' then 'materialized view' else 'view' end as kind,
                    (
                        select count(distinct t.relation_id)
                        from reads as t
                        where t.view_id = c.oid
                    ) as reach
                from contract as k
                inner join pg_catalog.pg_class as c
                    on k.name = c.relname and c.relnamespace = 'public'::regnamespace
                where
                    c.relkind in ('m', 'v')
                    and (
                        select count(*)
                        from pg_catalog.pg_attribute as a
                        where
                            a.attrelid = c.oid
                            and not a.attisdropped
                            and a.attname in (k.columns ->> 0, k.columns ->> 1)
                    ) = 2
                    and exists (
                        select
                        from reads as t
                        inner join pg_catalog.pg_class as h on t.relation_id = h.oid
                        where
                            t.view_id = c.oid
                            and h.relnamespace = 'public'::regnamespace
                            and h.relname in (
                                'audio_versions',
                                'text_versions',
                                'media_files',
                                'media_files_verses',
                                'verse_texts'
                            )
                    )
            ),

            -- Tables of the queue's names that hold kinds and versions.
            queues as (
                select
                    c.oid,
                    c.relname as name
                from pg_catalog.pg_class as c
                where
                    c.relnamespace = 'public'::regnamespace
                    and c.relname = any('{progress_refresh_queue,progress_refresh_dead_letter}')
                    and c.relkind = 'r'
                    and (
                        select count(*)
                        from pg_catalog.pg_attribute as a
                        where
                            a.attrelid = c.oid
                            and not a.attisdropped
                            and a.attname in ('kind', 'version_id')
                    ) = 2
            ),

            -- Functions of such names that use the queue, refresh a relation of the contract, or call one that
            -- does.
            named as (
                select
                    p.oid,
                    p.proname as name,
                    coalesce(p.prosrc, '') || coalesce(pg_get_function_sqlbody(p.oid), '') as body
                from pg_catalog.pg_proc as p
                inner join pg_catalog.pg_language as l on p.prolang = l.oid
                where
                    p.pronamespace = 'public'::regnamespace
                    and p.proname ~ '^(enqueue|refresh_progress|drain)_'
                    and p.prokind in ('f', 'p')
                    and l.lanname in ('sql', 'plpgsql')
                    and not exists (
                        select
                        from pg_catalog.pg_depend as d
                        where
                            d.classid = 'pg_proc'::regclass
                            and d.objid = p.oid
                            and d.deptype = 'e'
                    )
            ),

            functions (oid, name) as (
                select
                    n.oid,
                    n.name
                from named as n
                where
                    n.body ~ '\mprogress_refresh_(queue|dead_letter)\M'
                    or n.body ~* (
                        'refresh\s+materialized\s+view\s+(concurrently\s+)?(public\.)?'
                        || 'mv_((audio|text)_(verse|chapter|book)_coverage'
                        || '|(audio|text)_version_progress_summary|language_entity_best_(audio|text)_version)\M'
                    )
                union
                select
                    n.oid,
                    n.name
                from functions as f
                inner join named as n on n.body ~ ('\m' || f.name || '\M\s*\(')
            ),

            triggers as (
                select
                    t.oid,
                    t.tgname as name,
                    n.nspname as schema_name,
                    c.relname as table_name
                from functions as f
                inner join pg_catalog.pg_trigger as t on f.oid = t.tgfoid
                inner join pg_catalog.pg_class as c on t.tgrelid = c.oid
                inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
                where not t.tgisinternal
            )

            select
                'trigger ' || t.name || ' on ' || t.schema_name || '.' || t.table_name as finding,
                'trigger' as kind,
                t.name,
                t.oid,
                format('drop trigger %I on %I.%I', t.name, t.schema_name, t.table_name) as statement,
                0 as place
            from triggers as t
            union all
            select
                case p.prokind when 'p' then 'procedure ' else 'function ' end || f.oid::regprocedure
                    as finding,
                'function' as kind,
                f.name,
                f.oid,
                'drop routine ' || f.oid::regprocedure as statement,
                1 as place
            from functions as f
            inner join pg_catalog.pg_proc as p on f.oid = p.oid
            union all
            -- What reads more goes first.
            select
                r.kind || ' public.' || r.name as finding,
                'relation' as kind,
                r.name,
                r.oid,
                format('drop %s public.%I', r.kind, r.name) as statement,
                (
                    2 + (select coalesce(max(o.reach), 0) from relations as o) - r.reach
                )::integer as place
            from relations as r
            union all
            select
                'table public.' || q.name as finding,
                'table' as kind,
                q.name,
                q.oid,
                format('drop table public.%I', q.name) as statement,
                1000 as place
            from queues as q
            order by place, finding
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('an earlier implementation is in the way: %s', v_found), hint = 'See what would go and what would stay: bible-progress install --replace --dry-run. Without --dry-run it is done, in one transaction.';
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if true then
        select string_agg(found.what, '; ')
        into v_found
        from (
            -- Before a first install anything at all is in the way but an earlier implementation, which
            -- earlier_implementation.sql finds; afterwards whatever is of another kind than what we made.
            select
                case c.relkind
                    when 'r' then 'table'
                    when 'p' then 'table'
                    when 'm' then 'materialized view'
                    when 'v' then 'view'
                    when 'f' then 'foreign table'
                    when 'S' then 'sequence'
                    when 'i' then 'index'
                    else 'relation'
                end || ' public.' || c.relname as finding
            from pg_catalog.pg_class as c
            where
                c.relnamespace = 'public'::regnamespace
                and c.oid <> all('{}'::oid[])
                and (
                    (
                        c.relname = any('{text_verse_coverage,audio_verse_coverage,audio_chapter_coverage,audio_book_coverage,audio_version_progress_summary,text_chapter_coverage,text_book_coverage,text_version_progress_summary,language_entity_best_audio_version,language_entity_best_text_version,mv_audio_verse_coverage,mv_audio_chapter_coverage,mv_audio_book_coverage,mv_audio_version_progress_summary,mv_text_verse_coverage,mv_text_chapter_coverage,mv_text_book_coverage,mv_text_version_progress_summary,mv_language_entity_best_audio_version,mv_language_entity_best_text_version}')
                        and (
                            not current_setting('bible_progress.installed')::boolean
-- steps 1 5
                            or c.relkind <> case when c.relname = any('{}') then 'm' else 'v' end
-- steps 2
                            or c.relkind <> case when c.relname = any('{mv_audio_verse_coverage,mv_text_verse_coverage}') then 'm' else 'v' end
-- steps 3 4
                            or c.relkind <> case when c.relname = any('{mv_audio_verse_coverage,mv_audio_chapter_coverage,mv_audio_book_coverage,mv_audio_version_progress_summary,mv_text_verse_coverage,mv_text_chapter_coverage,mv_text_book_coverage,mv_text_version_progress_summary,mv_language_entity_best_audio_version,mv_language_entity_best_text_version}') then 'm' else 'v' end
-- steps 1 2 3 4 5
                        )
                    )
                    or (
                        c.relname = any('{progress_refresh_queue,progress_refresh_dead_letter}')
                        and (not current_setting('bible_progress.installed')::boolean or c.relkind <> 'r')
                    )
                )
            union all
            select 'function ' || p.oid::regprocedure as finding
            from pg_catalog.pg_proc as p
            where
                not current_setting('bible_progress.installed')::boolean
                and p.pronamespace = 'public'::regnamespace
                and (
                    p.proname = any('{progress_tree,progress_gaps,progress_compare,progress_best_versions,progress_refresh}')
                    -- Where a relationship goes (see relationships.sql).
                    or (
                        p.pronargs = 1
                        and p.proname = any('{text_verse_coverage,audio_verse_coverage,audio_chapter_coverage,audio_book_coverage,audio_version_progress_summary,text_chapter_coverage,text_book_coverage,text_version_progress_summary,language_entity_best_audio_version,language_entity_best_text_version,mv_audio_verse_coverage,mv_audio_chapter_coverage,mv_audio_book_coverage,mv_audio_version_progress_summary,mv_text_verse_coverage,mv_text_chapter_coverage,mv_text_book_coverage,mv_text_version_progress_summary,mv_language_entity_best_audio_version,mv_language_entity_best_text_version}')
                        and exists (
                            select
                            from pg_catalog.pg_class as s
                            where
                                s.reltype = p.proargtypes[0]
                                and s.relnamespace = 'public'::regnamespace
                                and s.relname = any('{audio_versions,text_versions,language_entities}')
                        )
                    )
                )
            union all
            -- Create or replace would take them over.
            select 'trigger ' || t.tgname || ' on public.' || c.relname as finding
            from pg_catalog.pg_trigger as t
            inner join pg_catalog.pg_class as c on t.tgrelid = c.oid
            inner join
-- steps 1 2 3
                unnest('{}'::text[], '{}'::text[]) as ours (name, table_name)
-- steps 4 5
                unnest('{progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate,progress_insert,progress_update,progress_delete,progress_truncate}'::text[], '{books,books,books,books,chapters,chapters,chapters,chapters,verses,verses,verses,verses,audio_versions,audio_versions,audio_versions,audio_versions,text_versions,text_versions,text_versions,text_versions,verse_texts,verse_texts,verse_texts,verse_texts,media_files,media_files,media_files,media_files,media_files_verses,media_files_verses,media_files_verses,media_files_verses}'::text[]) as ours (name, table_name)
-- steps 1 2 3 4 5
                on t.tgname = ours.name and c.relname = ours.table_name
            where
                c.relnamespace = 'public'::regnamespace
                and not exists (
                    select
                    from pg_catalog.pg_proc as p
                    inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
                    where p.oid = t.tgfoid and n.nspname = 'progress'
                )
            union all
            select 'schema progress, with objects that Bible Progress did not make' as finding
            from pg_catalog.pg_namespace as n
            where
                n.nspname = 'progress'
                and not current_setting('bible_progress.installed')::boolean
                and exists (
                    select
                    from pg_catalog.pg_depend as d
                    where d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid
                )
            order by finding
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('names that Bible Progress needs are taken: %s', v_found), hint = 'Rename or drop them.';
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if not current_setting('bible_progress.creates_host_tables')::boolean then
        select string_agg(found.what, '; ')
        into v_found
        from (
            with needed (table_name, column_name, type_class) as (
                values
                ('users', 'id', 'uuid'),
                ('bible_versions', 'id', 'text'),
                ('bible_versions', 'name', 'text'),
                ('books', 'id', 'text'),
                ('books', 'name', 'text'),
                ('books', 'book_number', 'integer'),
                ('books', 'bible_version_id', 'text'),
                ('books', 'testament', 'text or enum'),
                ('chapters', 'id', 'text'),
                ('chapters', 'chapter_number', 'integer'),
                ('chapters', 'book_id', 'text'),
                ('chapters', 'total_verses', 'integer'),
                ('verses', 'id', 'text'),
                ('verses', 'verse_number', 'integer'),
                ('verses', 'chapter_id', 'text'),
                ('language_entities', 'id', 'uuid'),
                ('language_entities', 'name', 'text'),
                ('language_entities', 'level', 'text or enum'),
                ('language_entities', 'parent_id', 'uuid'),
                ('language_entities', 'deleted_at', 'timestamptz'),
                ('audio_versions', 'id', 'uuid'),
                ('audio_versions', 'language_entity_id', 'uuid'),
                ('audio_versions', 'bible_version_id', 'text'),
                ('audio_versions', 'name', 'text'),
                ('audio_versions', 'created_at', 'timestamptz'),
                ('audio_versions', 'created_by', 'uuid'),
                ('audio_versions', 'deleted_at', 'timestamptz'),
                ('text_versions', 'id', 'uuid'),
                ('text_versions', 'language_entity_id', 'uuid'),
                ('text_versions', 'bible_version_id', 'text'),
                ('text_versions', 'name', 'text'),
                ('text_versions', 'created_at', 'timestamptz'),
                ('text_versions', 'created_by', 'uuid'),
                ('text_versions', 'deleted_at', 'timestamptz'),
                ('media_files', 'id', 'uuid'),
                ('media_files', 'language_entity_id', 'uuid'),
                ('media_files', 'audio_version_id', 'uuid'),
                ('media_files', 'chapter_id', 'text'),
                ('media_files', 'start_verse_id', 'text'),
                ('media_files', 'end_verse_id', 'text'),
                ('media_files', 'media_type', 'text or enum'),
                ('media_files', 'is_bible_audio', 'boolean'),
                ('media_files', 'upload_status', 'text or enum'),
                ('media_files', 'publish_status', 'text or enum'),
                ('media_files', 'check_status', 'text or enum'),
                ('media_files', 'duration_seconds', 'number'),
                ('media_files', 'original_filename', 'text'),
                ('media_files', 'created_by', 'uuid'),
                ('media_files', 'deleted_at', 'timestamptz'),
                ('media_files_verses', 'id', 'uuid'),
                ('media_files_verses', 'media_file_id', 'uuid'),
                ('media_files_verses', 'verse_id', 'text'),
                ('media_files_verses', 'start_time_seconds', 'number'),
                ('media_files_verses', 'duration_seconds', 'number'),
                ('media_files_verses', 'created_by', 'uuid'),
                ('media_files_verses', 'deleted_at', 'timestamptz'),
                ('verse_texts', 'id', 'uuid'),
                ('verse_texts', 'text_version_id', 'uuid'),
                ('verse_texts', 'verse_id', 'text'),
                ('verse_texts', 'verse_text', 'text'),
                ('verse_texts', 'publish_status', 'text or enum'),
                ('verse_texts', 'created_by', 'uuid'),
                ('verse_texts', 'deleted_at', 'timestamptz')
            ),

            present as (
                select
                    c.oid as table_oid,
                    c.relname as table_name,
                    a.attname as column_name,
                    case
                        when t.typtype = 'e' then 'enum'
                        when t.typname in ('text', 'varchar', 'bpchar') then 'text'
                        when t.typname in ('int2', 'int4', 'int8') then 'integer'
                        when t.typname in ('numeric', 'float4', 'float8') then 'fraction'
                        when t.typname = 'bool' then 'boolean'
                        else t.typname
                    end as type_class,
                    format_type(a.atttypid, a.atttypmod) as type_name
                from pg_catalog.pg_class as c
                left join pg_catalog.pg_attribute as a
                    on
                        c.oid = a.attrelid
                        and a.attnum > 0
                        and not a.attisdropped
                left join pg_catalog.pg_type as t on a.atttypid = t.oid
                where c.relnamespace = 'public'::regnamespace
            ),

            tables as (
                select distinct
                    n.table_name,
                    p.table_oid is not null as is_there
                from needed as n
                left join present as p on n.table_name = p.table_name
            )

            select 'table public.' || t.table_name || ' is missing' as finding
            from tables as t
            where not t.is_there
            union all
            select 'column public.' || n.table_name || '.' || n.column_name || ' is missing' as finding
            from needed as n
            inner join tables as t
                on
                    n.table_name = t.table_name
                    and t.is_there
            where
                not exists (
                    select
                    from present as p
                    where p.table_name = n.table_name and p.column_name = n.column_name
                )
            union all
            select
                'column public.' || n.table_name || '.' || n.column_name || ' is ' || p.type_name
                || ', not ' || n.type_class as finding
            from needed as n
            inner join present as p
                on
                    n.table_name = p.table_name
                    and n.column_name = p.column_name
            where
                p.type_class <> n.type_class
                and not (n.type_class = 'text or enum' and p.type_class in ('text', 'enum'))
                and not (n.type_class = 'number' and p.type_class in ('integer', 'fraction'))
            order by finding
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('tables or columns that Bible Progress relies on are missing, or of another type: %s', v_found), hint = 'Make the table or add the column, or rename what holds it already.';
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if not current_setting('bible_progress.creates_host_tables')::boolean then
        select string_agg(found.what, '; ')
        into v_found
        from (
            with
            tables as (
                select
                    c.oid as table_oid,
                    c.relname as table_name,
                    c.relkind as table_kind
                from pg_catalog.pg_class as c
                where
                    c.relnamespace = 'public'::regnamespace
                    and c.relname = any('{users,bible_versions,books,chapters,verses,language_entities,audio_versions,text_versions,media_files,media_files_verses,verse_texts}')
            )

            select
                'public.' || t.table_name
                || case t.table_kind when 'p' then ' is partitioned' else ' is not a table' end as finding
            from tables as t
            where t.table_kind <> 'r'
            union all
            -- Nor those of a child what is written through its parent.
            select
                'public.' || t.table_name || ' and ' || string_agg(
                    (case when i.inhparent = t.table_oid then i.inhrelid else i.inhparent end)::regclass::text,
                    ', '
                ) || ' inherit from each other' as finding
            from tables as t
            inner join pg_catalog.pg_inherits as i on t.table_oid in (i.inhparent, i.inhrelid)
            where t.table_kind = 'r'
            group by t.table_name
            order by finding
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('host tables that are partitioned, inherited or no tables: %s', v_found), hint = 'Bring the rows into one ordinary table of that name.';
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if not current_setting('bible_progress.creates_host_tables')::boolean then
        select string_agg(found.what, '; ')
        into v_found
        from (
            select
                'public.' || n.table_name || ' has no unique index on (' || n.one || ', ' || n.two
                || ')' as finding,
                'create unique index concurrently on public.' || n.table_name || ' (' || n.one || ', ' || n.two
                || ') where deleted_at is null;' as fix
            from (
                values
                ('verse_texts', 'text_version_id', 'verse_id'),
                ('media_files_verses', 'media_file_id', 'verse_id')
            ) as n (table_name, one, two)
            where
                not exists (
                    select
                    from pg_catalog.pg_index as i
                    where
                        i.indrelid = ('public.' || n.table_name)::regclass
                        and i.indisunique
                        and i.indisvalid
                        and i.indexprs is null
                        and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = '(deleted_at IS NULL)')
                        and (
                            select array_agg(a.attname::text order by a.attname::text)
                            from pg_catalog.pg_attribute as a
                            where
                                a.attrelid = i.indrelid
                                and a.attnum = any(i.indkey[0:i.indnkeyatts - 1])
                        ) = (
                            select array_agg(k.col order by k.col)
                            from unnest(array[n.one, n.two]) as k (col)
                        )
                )
            order by finding
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('texts or timings that may be there twice: %s', v_found), hint = 'Remove the duplicates, then create the unique index.';
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if not current_setting('bible_progress.creates_host_tables')::boolean then
        select string_agg(found.what, '; ')
        into v_found
        from (
            select 'row security hides rows of public.' || c.relname || ' from role ' || current_user as finding
            from pg_catalog.pg_class as c
            where
                c.relnamespace = 'public'::regnamespace
                and c.relname = any('{users,bible_versions,books,chapters,verses,language_entities,audio_versions,text_versions,media_files,media_files_verses,verse_texts}')
                and row_security_active(c.oid)
            order by finding
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('row security hides rows from the installing role: %s', v_found), hint = 'Install as the owner of the tables, or as a role with BYPASSRLS; owners are filtered only where row security is forced.';
-- steps 4
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if not current_setting('bible_progress.installed')::boolean and not current_setting('bible_progress.creates_host_tables')::boolean then
        select string_agg(found.what, '; ')
        into v_found
        from (
            select
                'public.' || c.relname || ' has row security' as finding,
                c.relname as table_name
            from pg_catalog.pg_class as c
            where
                c.relnamespace = 'public'::regnamespace
                and c.relname in ('audio_versions', 'text_versions')
                and c.relrowsecurity
            order by finding
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('row security decides who sees versions: %s', v_found), hint = 'Stay on the default strategy.';
-- steps 1 2 3 4 5
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
declare
    v_found text;
begin
    if current_setting('bible_progress.installed')::boolean then
        select string_agg(found.what, '; ')
        into v_found
        from (
            select applied.name
            from progress.migration as applied
            inner join
                unnest('{migrations/0001_create_progress_schema.sql}'::text[], '{03e19b8dfb896c6118eec5bf9b448ee2f0048e9362954c6e5d4088a5534781c2}'::text[]) as ours (name, checksum)
                on applied.name = ours.name
            where applied.checksum <> ours.checksum
            order by applied.name
        ) as found (what);
        if v_found is not null then
            raise exception using
                errcode = 'BP011', message = format('%s differs from the one that this database was made with', v_found), hint = 'Migrations are never edited after a release; reinstall the package and export again.';
        end if;
    end if;
end
$bible_progress$;

do $bible_progress$
begin
    if current_setting('bible_progress.creates_host_tables')::boolean then
        execute $host_tables$
-- The host tables of an empty database: what a team that translates and records works in.
-- A database that already has them is checked instead (see queries/install.sql).

create table public.users (
    id uuid primary key default gen_random_uuid()
);

create table public.bible_versions (
    id text primary key,
    name text not null
);

create table public.books (
    id text primary key,
    name text not null,
    book_number integer not null,
    bible_version_id text not null references public.bible_versions (id) on delete cascade,
    testament text
);

create index books_bible_version_id_idx on public.books (bible_version_id);

create table public.chapters (
    id text primary key,
    chapter_number integer not null,
    book_id text not null references public.books (id) on delete cascade,
    total_verses integer not null default 0
);

create index chapters_book_id_idx on public.chapters (book_id);

create table public.verses (
    id text primary key,
    verse_number integer not null,
    chapter_id text not null references public.chapters (id) on delete cascade
);

create index verses_chapter_id_idx on public.verses (chapter_id, verse_number);

create table public.language_entities (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    level text not null default 'language',
    parent_id uuid references public.language_entities (id) on delete set null,
    created_at timestamptz not null default now(),
    deleted_at timestamptz
);

create index language_entities_parent_id_idx on public.language_entities (parent_id);

create table public.audio_versions (
    id uuid primary key default gen_random_uuid(),
    language_entity_id uuid not null references public.language_entities (id) on delete cascade,
    bible_version_id text not null references public.bible_versions (id) on delete cascade,
    name text not null,
    created_at timestamptz not null default now(),
    created_by uuid references public.users (id) on delete set null,
    deleted_at timestamptz
);

create index audio_versions_language_entity_id_idx on public.audio_versions (language_entity_id);
create index audio_versions_bible_version_id_idx on public.audio_versions (bible_version_id);
create index audio_versions_created_by_idx on public.audio_versions (created_by);

create table public.text_versions (
    id uuid primary key default gen_random_uuid(),
    language_entity_id uuid not null references public.language_entities (id) on delete cascade,
    bible_version_id text not null references public.bible_versions (id) on delete cascade,
    name text not null,
    created_at timestamptz not null default now(),
    created_by uuid references public.users (id) on delete set null,
    deleted_at timestamptz
);

create index text_versions_language_entity_id_idx on public.text_versions (language_entity_id);
create index text_versions_bible_version_id_idx on public.text_versions (bible_version_id);
create index text_versions_created_by_idx on public.text_versions (created_by);

create table public.media_files (
    id uuid primary key default gen_random_uuid(),
    language_entity_id uuid references public.language_entities (id) on delete cascade,
    audio_version_id uuid references public.audio_versions (id) on delete cascade,
    chapter_id text references public.chapters (id) on delete cascade,
    start_verse_id text references public.verses (id) on delete cascade,
    end_verse_id text references public.verses (id) on delete cascade,
    media_type text not null default 'audio' check (media_type in ('audio', 'video', 'image')),
    is_bible_audio boolean not null default true,
    upload_status text not null default 'pending'
    check (upload_status in ('pending', 'uploading', 'completed', 'failed')),
    publish_status text not null default 'pending'
    check (publish_status in ('pending', 'published', 'archived')),
    check_status text not null default 'pending'
    check (check_status in ('pending', 'approved', 'rejected', 'requires_review')),
    duration_seconds numeric,
    original_filename text,
    created_at timestamptz not null default now(),
    created_by uuid references public.users (id) on delete set null,
    deleted_at timestamptz,
    constraint end_verse_needs_start_verse check (
        end_verse_id is null or start_verse_id is not null
    )
);

create index media_files_audio_version_id_chapter_id_idx
on public.media_files (audio_version_id, chapter_id);
create index media_files_audio_version_id_start_verse_id_idx
on public.media_files (audio_version_id, start_verse_id);
create index media_files_language_entity_id_idx on public.media_files (language_entity_id);
create index media_files_chapter_id_idx on public.media_files (chapter_id);
create index media_files_start_verse_id_idx on public.media_files (start_verse_id);
create index media_files_end_verse_id_idx on public.media_files (end_verse_id);
create index media_files_created_by_idx on public.media_files (created_by);

create table public.media_files_verses (
    id uuid primary key default gen_random_uuid(),
    media_file_id uuid not null references public.media_files (id) on delete cascade,
    verse_id text not null references public.verses (id) on delete cascade,
    start_time_seconds numeric not null default 0,
    duration_seconds numeric not null default 0,
    created_at timestamptz not null default now(),
    created_by uuid references public.users (id) on delete set null,
    deleted_at timestamptz,
    unique (media_file_id, verse_id)
);

create index media_files_verses_verse_id_idx on public.media_files_verses (verse_id);
create index media_files_verses_created_by_idx on public.media_files_verses (created_by);

create table public.verse_texts (
    id uuid primary key default gen_random_uuid(),
    text_version_id uuid not null references public.text_versions (id) on delete cascade,
    verse_id text not null references public.verses (id) on delete cascade,
    verse_text text,
    publish_status text not null default 'pending'
    check (publish_status in ('pending', 'published', 'archived')),
    created_at timestamptz not null default now(),
    created_by uuid references public.users (id) on delete set null,
    deleted_at timestamptz,
    unique (text_version_id, verse_id)
);

create index verse_texts_verse_id_idx on public.verse_texts (verse_id);
create index verse_texts_created_by_idx on public.verse_texts (created_by);
$host_tables$;
    end if;
end
$bible_progress$;

-- In short attempts that give every lock back: a writer that waits for one of them while we wait
-- for another of its own must never be the one that the server aborts.
do $bible_progress$
declare
    v_until constant timestamptz := clock_timestamp() + 30000 * interval '1 ms';
    v_names text;
    v_detail text;
begin
    loop
        begin
            perform set_config('lock_timeout', '400', true);
            lock table "public"."users", "public"."bible_versions", "public"."books", "public"."chapters", "public"."verses", "public"."language_entities", "public"."audio_versions", "public"."text_versions", "public"."media_files", "public"."media_files_verses", "public"."verse_texts" in share row exclusive mode;
            select string_agg(format('%I.%I', found.schema_name, found.name), ', ')
            into v_names
            from (
                select
                    n.nspname as schema_name,
                    c.relname as name
                from pg_catalog.pg_class as c
                inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
                inner join
                    unnest('{public,public,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress}'::text[], '{progress_refresh_queue,progress_refresh_dead_letter,migration,settings,unsettled_change,deleted_media_file,timed_version,failure,chapter_bitmap,book_rollup,version_rollup,version_history,worker,measurement,override}'::text[]) as wanted (schema_name, name)
                    on n.nspname = wanted.schema_name and c.relname = wanted.name
                where c.relkind = 'r'
            ) as found;
            if v_names is not null then
                execute format('lock table %s in access exclusive mode', v_names);
            end if;
            -- They return rows of our views, which could not go before them.
            execute '-- Those that the version which is installed has made.
do $$
declare
    v_function regprocedure;
begin
    if to_regclass(''progress.relationships'') is null then
        return;
    end if;
    for v_function in
        select f.oid
        from progress.relationships as r
        cross join
            lateral to_regprocedure(
                format(''public.%I(public.%I)'', r.target, r.source)
            ) as f (oid)
        where f.oid is not null
    loop
        execute format(''drop function %s'', v_function);
    end loop;
end
$$;';
            select string_agg(format('%I.%I', found.schema_name, found.name), ', ')
            into v_names
            from (
                select
                    n.nspname as schema_name,
                    c.relname as name
                from pg_catalog.pg_class as c
                inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
                inner join
                    unnest('{progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,progress,public,public,public,public,public,public,public,public,public,public,public,public,public,public,public,public,public,public,public,public}'::text[], '{best_versions_by_source,books_by_source,canon_chapters,chapters_by_source,dirty,levels,live_bitmaps,live_chapters,live_verses,recorded_verses,recordings,relationships,rollup_chapters,signalled,stale_books,status,stored_books,stored_chapters,stored_verses,stored_versions,versions,versions_by_source,audio_book_coverage,audio_chapter_coverage,audio_verse_coverage,audio_version_progress_summary,language_entity_best_audio_version,language_entity_best_text_version,mv_audio_book_coverage,mv_audio_chapter_coverage,mv_audio_verse_coverage,mv_audio_version_progress_summary,mv_language_entity_best_audio_version,mv_language_entity_best_text_version,mv_text_book_coverage,mv_text_chapter_coverage,mv_text_verse_coverage,mv_text_version_progress_summary,text_book_coverage,text_chapter_coverage,text_verse_coverage,text_version_progress_summary}'::text[]) as wanted (schema_name, name)
                    on n.nspname = wanted.schema_name and c.relname = wanted.name
                where c.relkind = 'v'
            ) as found;
            -- Without cascade, so that a view of the host on ours is an error and not a loss.
            if v_names is not null then
                execute format('drop view %s', v_names);
            end if;
            exit;
        exception
            when lock_not_available then
                if clock_timestamp() > v_until then
                    raise exception
                        'other sessions kept the tables busy for % s; nothing was changed',
                        '30'
                        using errcode = 'BP011', hint = 'Try again at a quieter moment.';
                end if;
                perform pg_sleep(0.1);
            when dependent_objects_still_exist then
                get stacked diagnostics v_detail = pg_exception_detail;
                raise exception 'objects of this database depend on Bible Progress: %',
                    replace(v_detail, E'\n', '; ')
                    using
                        errcode = 'BP011',
                        hint = 'Drop them first and recreate them afterwards; nothing was changed.';
        end;
    end loop;
    -- Nothing below should wait; if it does, then not for ever.
    perform set_config('lock_timeout', (30000)::text, true);
end
$bible_progress$;

-- migrations/0001_create_progress_schema.sql
do $bible_progress$
declare
    v_applied boolean := false;
begin
    if to_regclass('progress.migration') is not null then
        select exists (select from progress.migration as m where m.name = 'migrations/0001_create_progress_schema.sql')
        into v_applied;
    end if;
    if not v_applied then
        execute $migration$
-- State that outlives an upgrade of the code: settings, queue, dead letters, rollups, history.
-- Everything readers may not see stays in schema progress; the queue keeps its contract name.
-- progress: since 0.1.0

create schema if not exists progress;

create table progress.migration (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
);

-- One row. The package version that installed last, and what the operator chose.
create table progress.settings (
    only_row boolean primary key default true check (only_row),
    schema_version integer not null,
    -- How many migrations code must know to work here.
    oldest_code integer not null default 1,
    package_version text not null,
    installed_at timestamptz not null default now(),
    environment text not null default 'development'
    check (environment in ('development', 'production')),
    rollout_step integer not null default 5 check (rollout_step between 1 and 5),
    max_attempts integer not null default 8 check (max_attempts > 0),
    backoff_base interval not null default '1 second' check (backoff_base > '0'),
    backoff_cap interval not null default '10 minutes' check (backoff_cap > '0'),
    owns_host_tables boolean not null,
    reader_roles text[] not null default '{}',
    cron_database text
);

-- Signals. Unique within one transaction only, so that a writer meets no row but its own:
-- docs/decisions/0001-signals-by-transaction.md.
create table public.progress_refresh_queue (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('audio', 'text')),
    version_id uuid not null,
    chapter_id text,
    enqueued_at timestamptz not null default clock_timestamp(),
    xid xid8 not null default pg_current_xact_id(),
    unique nulls not distinct (kind, version_id, chapter_id, xid)
) with (
    -- Rows live for milliseconds: vacuum by count, not by share of the table.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 10000,
    autovacuum_vacuum_cost_delay = 0
);

alter table public.progress_refresh_queue enable row level security;

create table public.progress_refresh_dead_letter (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('audio', 'text')),
    version_id uuid not null,
    chapter_id text,
    enqueued_at timestamptz not null,
    died_at timestamptz not null default clock_timestamp(),
    attempts integer not null,
    last_error text not null,
    unique nulls not distinct (kind, version_id, chapter_id)
);

alter table public.progress_refresh_dead_letter enable row level security;

-- Changes of structure that a transaction which ran beside them may not have seen:
-- docs/decisions/0005-unsettled-changes.md. A row leaves when all of those have ended.
create table progress.unsettled_change (
    id bigint generated always as identity primary key,
    bible_version_id text,
    chapter_id text,
    media_file_id uuid,
    enqueued_at timestamptz not null default clock_timestamp(),
    xid xid8 not null default pg_current_xact_id(),
    settles_at xid8,
    rounds_left integer not null default 2,
    unique nulls not distinct (bible_version_id, chapter_id, media_file_id, xid),
    -- Neither: every canon, for a change made from an old snapshot.
    constraint names_a_canon_or_a_file check (
        num_nonnulls(bible_version_id, media_file_id) <= 1
    ),
    constraint chapter_belongs_to_a_canon check (
        chapter_id is null or bible_version_id is not null
    )
);

-- Which version a deleted media file belonged to, for the verse timings that the same statement
-- deletes with it: their trigger runs when the file is gone. Of no use after the transaction.
create table progress.deleted_media_file (
    media_file_id uuid not null,
    audio_version_id uuid not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (media_file_id, xid)
);

-- Audio versions with verse timings that may cover more than their recordings do by their own
-- columns; one row for each transaction that wrote some.
create table progress.timed_version (
    audio_version_id uuid not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (audio_version_id, xid)
);

-- Versions whose last drain failed, and when the next attempt is due.
create table progress.failure (
    kind text not null,
    version_id uuid not null,
    attempts integer not null,
    next_attempt_at timestamptz not null,
    last_error text not null,
    failed_at timestamptz not null default clock_timestamp(),
    primary key (kind, version_id)
);

-- One bit a verse of the chapter, in canon order; only chapters with something covered.
create table progress.chapter_bitmap (
    kind text not null,
    version_id uuid not null,
    chapter_id text not null,
    covered bit varying not null check (bit_count(covered) > 0),
    primary key (kind, version_id, chapter_id)
) with (fillfactor = 70);

create table progress.book_rollup (
    kind text not null,
    version_id uuid not null,
    book_id text not null,
    covered_verses integer not null,
    total_verses integer not null,
    chapters_with_any integer not null,
    complete_chapters integer not null,
    total_chapters integer not null,
    primary key (kind, version_id, book_id),
    constraint covered_is_within_total check (covered_verses between 0 and total_verses),
    constraint complete_is_within_any check (complete_chapters between 0 and chapters_with_any),
    constraint any_is_within_total check (chapters_with_any between 0 and total_chapters)
) with (fillfactor = 70);

create table progress.version_rollup (
    kind text not null,
    version_id uuid not null,
    covered_verses integer not null,
    total_verses integer not null,
    chapters_with_any integer not null,
    complete_chapters integer not null,
    total_chapters integer not null,
    books_complete integer not null,
    total_books integer not null,
    refreshed_at timestamptz not null,
    primary key (kind, version_id),
    constraint covered_is_within_total check (covered_verses between 0 and total_verses),
    constraint complete_is_within_any check (complete_chapters between 0 and chapters_with_any),
    constraint any_is_within_total check (chapters_with_any between 0 and total_chapters),
    constraint books_are_within_total check (books_complete between 0 and total_books)
) with (fillfactor = 70);

-- The last state of each UTC day on which a version's summary changed.
create table progress.version_history (
    kind text not null,
    version_id uuid not null,
    day date not null,
    covered_verses integer not null,
    total_verses integer not null,
    chapters_with_any integer not null,
    complete_chapters integer not null,
    total_chapters integer not null,
    books_complete integer not null,
    total_books integer not null,
    primary key (kind, version_id, day)
) with (fillfactor = 70);

-- Who drains, for `status` only: nothing waits for or relies on these rows.
create table progress.worker (
    worker_id uuid primary key,
    description text not null,
    started_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp(),
    drained bigint not null default 0,
    last_drain_at timestamptz
);

-- What `rollout measure` found, kept so that a step can be compared with the one before.
create table progress.measurement (
    id bigint generated always as identity primary key,
    run_id uuid not null,
    step integer not null,
    measured_at timestamptz not null default clock_timestamp(),
    subject text not null check (subject in ('read', 'refresh', 'size', 'write')),
    name text not null,
    level text,
    kind text,
    source text,
    temperature text,
    readers integer,
    samples integer not null,
    p50 double precision,
    p95 double precision,
    p99 double precision,
    bytes bigint,
    note text
);

-- What an operator forced in a production database, and why.
create table progress.override (
    id bigint generated always as identity primary key,
    action text not null,
    reason text not null,
    overridden_by text not null default session_user,
    overridden_at timestamptz not null default clock_timestamp()
);

-- Rollups carry the rows that readers may see, so the version's own row security must hold
-- for them too: a row shows only where the reading role can see its version.
alter table progress.chapter_bitmap enable row level security;
alter table progress.book_rollup enable row level security;
alter table progress.version_rollup enable row level security;
alter table progress.version_history enable row level security;

comment on table progress.migration is
'Which migrations made this schema.';
comment on table progress.settings is
'One row: the package that installed last, and what the operator chose.';
comment on table public.progress_refresh_queue is
'Signals: which chapter of which version changed (NULL: all of it), and in which transaction.';
comment on table public.progress_refresh_dead_letter is
'Signals of versions whose drains failed too often; they stay dirty and are read live.';
comment on table progress.unsettled_change is
'Changes of structure that a running transaction may not have seen.';
comment on table progress.deleted_media_file is
'Which version a recording belonged to that its transaction deleted.';
comment on table progress.timed_version is
'Audio versions with verse timings that may add verses to their recordings.';
comment on table progress.failure is
'Versions whose last drain failed, and when the next attempt is due.';
comment on table progress.chapter_bitmap is
'Stored: one bit a verse, in canon order, for each chapter with something covered.';
comment on table progress.book_rollup is
'Stored: the counts of each book of each version.';
comment on table progress.version_rollup is
'Stored: the counts of each version.';
comment on table progress.version_history is
'The last counts of each UTC day on which those of a version changed.';
comment on table progress.worker is
'Who drains, for the status.';
comment on table progress.measurement is
'What rollout measure found: times in seconds, sizes in bytes.';
comment on table progress.override is
'What an operator forced in a production database, and why.';
$migration$;
        insert into progress.migration (name, checksum)
        values ('migrations/0001_create_progress_schema.sql', '03e19b8dfb896c6118eec5bf9b448ee2f0048e9362954c6e5d4088a5534781c2');
    end if;
end
$bible_progress$;

insert into progress.settings as s (
    schema_version,
    oldest_code,
    package_version,
    environment,
    rollout_step,
    owns_host_tables,
    reader_roles
)
values (
    1,
    1,
    '0.1.0',
    coalesce(NULL::text, 'development'),
-- steps 1
    1,
-- steps 2
    2,
-- steps 3
    3,
-- steps 4
    4,
-- steps 5
    5,
-- steps 1 2 3 4 5
    not (not current_setting('bible_progress.creates_host_tables')::boolean),
    coalesce(NULL::text[], '{}')
)
on conflict (only_row) do update
    set
        schema_version = excluded.schema_version,
        oldest_code = excluded.oldest_code,
        package_version = excluded.package_version,
        installed_at = now(),
        rollout_step = excluded.rollout_step,
        environment = coalesce(NULL, s.environment),
        reader_roles = coalesce(NULL, s.reader_roles);

-- Functions may name views that come after them.
select set_config('check_function_bodies', 'off', true);

-- steps 1
-- strategies/views/strategy.sql
-- steps 2 3 4
-- strategies/matview/strategy.sql
-- steps 5
-- strategies/incremental/strategy.sql
-- steps 1 2 3 4 5
-- A constant, so that what other strategies need leaves the plans.
create or replace function progress.strategy()
returns text
language sql
immutable
parallel safe
-- steps 1
return 'views'::text;
-- steps 2 3 4
return 'matview'::text;
-- steps 5
return 'incremental'::text;
-- steps 1 2 3 4 5

comment on function progress.strategy() is
-- steps 1
'Nothing is stored here: readers meet the logical views.';
-- steps 2 3 4
'What is stored are materialized views, refreshed for a kind at a time.';
-- steps 5
'What is stored are rollups, refreshed for a version at a time.';
-- steps 1 2 3 4 5

-- objects/functions/fraction.sql
-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.fraction(p_covered bigint, p_total bigint)
returns numeric
language sql
immutable
parallel safe
return case when p_total > 0 then p_covered::numeric / p_total end;

comment on function progress.fraction(bigint, bigint) is
'Share of p_total that is covered, between 0 and 1; NULL where there is nothing to cover.';

-- objects/functions/chapter_fraction.sql
-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.chapter_fraction(
    p_kind text,
    p_chapters_with_any bigint,
    p_complete_chapters bigint,
    p_total_chapters bigint
)
returns numeric
language sql
immutable
parallel safe
return progress.fraction(
    case when p_kind = 'audio' then p_chapters_with_any else p_complete_chapters end,
    p_total_chapters
);

comment on function progress.chapter_fraction(text, bigint, bigint, bigint) is
'Share of chapters: those with any audio for recordings, the complete ones for texts.';

-- objects/functions/is_complete.sql
-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.is_complete(p_covered bigint, p_total bigint)
returns boolean
language sql
immutable
parallel safe
return p_covered = p_total and p_total > 0;

comment on function progress.is_complete(bigint, bigint) is
'Whether all of a chapter, book or version is there; an empty one never is.';

-- objects/functions/percent.sql
-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.percent(p_covered bigint, p_total bigint)
returns integer
language sql
immutable
parallel safe
return case when p_total > 0 then (p_covered * 100 / p_total)::integer end;

comment on function progress.percent(bigint, bigint) is
'The share in whole percent as people see it, rounded down so that 100 means nothing is missing;
NULL where there is nothing to cover.';

-- objects/functions/rank.sql
-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.rank(
    p_kind text,
    p_covered_verses bigint,
    p_total_verses bigint,
    p_chapters_with_any bigint,
    p_complete_chapters bigint,
    p_total_chapters bigint,
    p_books_complete bigint,
    p_total_books bigint,
    p_created_at timestamptz
)
returns numeric[]
language sql
stable
parallel safe
return array[
    p_covered_verses,
    progress.fraction(p_covered_verses, p_total_verses),
    progress.chapter_fraction(p_kind, p_chapters_with_any, p_complete_chapters, p_total_chapters),
    progress.fraction(p_books_complete, p_total_books),
    extract(epoch from p_created_at)
];

comment on function progress.rank(
    text, bigint, bigint, bigint, bigint, bigint, bigint, bigint, timestamptz
) is
'What versions are compared by, the greater the better: covered verses, then verse, chapter and book
fraction, then when it was made. The smaller id decides between equals.';

-- objects/functions/rank_reason.sql
create or replace function progress.rank_reason(p_best numeric[], p_next numeric[])
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
return case
    when p_next is null then 'the only version that covers anything'
    when p_best[1] > p_next[1] then 'covers most verses'
    when p_best[2] > p_next[2] then 'covers the largest share of its verses'
    when p_best[3] > p_next[3] then 'covers the largest share of its chapters'
    when p_best[4] > p_next[4] then 'has the largest share of complete books'
    when p_best[5] is distinct from p_next[5] then 'as much as others, and the newest'
    else 'as much as others, and the first by its id'
end;

comment on function progress.rank_reason(numeric[], numeric[]) is
'Why a version is better than the next one, of what progress.rank says of both; NULL: there is
none.';

-- objects/functions/coverage_status.sql
-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.coverage_status(p_covered bigint, p_total bigint)
returns text
language sql
immutable
parallel safe
return case
    when progress.is_complete(p_covered, p_total) then 'complete'
    when p_covered > 0 then 'in progress'
    else 'not started'
end;

comment on function progress.coverage_status(bigint, bigint) is
'not started, in progress or complete, of covered and total verses.';

-- objects/functions/blank_characters.sql
-- Folded into a constant by the planner, hence no pinned search_path: it names nothing.
-- Unicode's White_Space, and the zero-width characters that editors leave.
-- PostgreSQL 15 does not know the escape \v: to it that is the letter.
create or replace function progress.blank_characters()
returns text
language sql
immutable
parallel safe
return
e' \t\n\u000b\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009'
'\u200a\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff';

comment on function progress.blank_characters() is
'The characters that are no text by themselves.';

-- objects/functions/text_counts.sql
-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
-- Nearly every text shows at its first character that it is one; trimming all of it costs twice as
-- much.
create or replace function progress.text_counts(p_verse_text text, p_deleted_at timestamptz)
returns boolean
language sql
immutable
parallel safe
return p_deleted_at is null
and (
    btrim(left(p_verse_text, 1), progress.blank_characters()) <> ''
    or btrim(p_verse_text, progress.blank_characters()) <> ''
);

comment on function progress.text_counts(text, timestamptz) is
'Whether a row of verse_texts is text: not deleted and not blank.';

-- objects/functions/media_counts.sql
-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
-- Statuses are enums on some hosts and text on others: callers cast them to text.
create or replace function progress.media_counts(
    p_media_type text,
    p_is_bible_audio boolean,
    p_upload_status text,
    p_publish_status text,
    p_deleted_at timestamptz
)
returns boolean
language sql
immutable
parallel safe
return p_deleted_at is null
and p_media_type = 'audio'
and p_is_bible_audio
and p_upload_status = 'completed'
and p_publish_status = 'published';

comment on function progress.media_counts(text, boolean, text, text, timestamptz) is
'Whether a media file is a recording that counts: Bible audio, uploaded, published, not deleted.';

-- objects/functions/media_scope.sql
create or replace function progress.media_scope(
    p_chapter_id text, p_start_verse_id text, p_end_verse_id text
)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_start_verse_id is null then
        return p_chapter_id;
    end if;
    return (
        select first_verse.chapter_id
        from public.verses as first_verse
        inner join public.verses as last_verse
            on
                last_verse.id = coalesce(p_end_verse_id, p_start_verse_id)
                and first_verse.chapter_id = last_verse.chapter_id
        where first_verse.id = p_start_verse_id
    );
end
$$;

comment on function progress.media_scope(text, text, text) is
'The chapter that a media file''s own columns cover; NULL, meaning the whole version, for one that
crosses chapters or names none. Its verse timings come on top.';

-- objects/functions/install_lock_key.sql
-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.install_lock_key()
returns bigint
language sql
immutable
parallel safe
return hashtextextended('bible-progress/install', 0);

comment on function progress.install_lock_key() is
'The advisory lock that an install or a change of strategy holds alone, and drains share.';

-- objects/functions/version_lock_key.sql
-- Inlined by the planner, hence no pinned search_path: fully qualified instead.
create or replace function progress.version_lock_key(p_kind text, p_version_id uuid)
returns bigint
language sql
immutable
parallel safe
return hashtextextended(
    'bible-progress/' || p_kind
    || case when progress.strategy() = 'incremental' then '/' || p_version_id::text else '' end,
    0
);

comment on function progress.version_lock_key(text, uuid) is
'The advisory lock that one drain at a time holds for a version, or for a kind where a refresh is
one of the whole kind.';

-- objects/functions/dirty_chapters.sql
-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.dirty_chapters(
    p_kind text, p_version_id uuid, p_stored boolean default false
)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    if p_stored then
        return array[]::text[];
    end if;
    return (
        select
            case
                when bool_or(d.chapter_id is null) then null
                else coalesce(array_agg(distinct d.chapter_id), '{}')
            end
        from progress.dirty as d
        where d.kind = p_kind and d.version_id = p_version_id
    );
end
$$;

comment on function progress.dirty_chapters(text, uuid, boolean) is
'The chapters of a version whose stored numbers may differ from the base tables in this snapshot:
none for a clean version, NULL when it is the whole version. With p_stored, none: for reads that
take what is stored as it is.';

-- objects/functions/exact_books.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_books(
    p_kind text, p_version_id uuid, p_stored boolean default false
)
returns table (
    book_id text,
    covered_verses integer,
    total_verses integer,
    chapters_with_any integer,
    complete_chapters integer,
    total_chapters integer
)
language plpgsql
stable
rows 66
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_dirty_chapters text[] := progress.dirty_chapters(p_kind, p_version_id, p_stored);
    v_dirty_books text[];
    v_book_id text;
begin
    if v_dirty_chapters is null then
        return query
        select
            b.book_id::text,
            b.covered_verses,
            b.total_verses,
            b.chapters_with_any,
            b.complete_chapters,
            b.total_chapters
        from progress.books_by_source as b
        where b.source = 'live' and b.kind = p_kind and b.version_id = p_version_id;
        return;
    end if;

    v_dirty_books := array(
        select distinct c.book_id from public.chapters as c where c.id = any (v_dirty_chapters)
    );
    return query
    select
        r.book_id::text,
        r.covered_verses,
        r.total_verses,
        r.chapters_with_any,
        r.complete_chapters,
        r.total_chapters
    from progress.stored_books as r
    where
        r.kind = p_kind
        and r.version_id = p_version_id
        and r.book_id <> all (v_dirty_books);

    foreach v_book_id in array v_dirty_books loop
        return query
        select
            b.book_id::text,
            b.covered_verses,
            b.total_verses,
            b.chapters_with_any,
            b.complete_chapters,
            b.total_chapters
        from progress.books_by_source as b
        where
            b.source = 'exact'
            and b.kind = p_kind
            and b.version_id = p_version_id
            and b.book_id = v_book_id;
    end loop;
end
$$;

comment on function progress.exact_books(text, uuid, boolean) is
'The books of a version as the base tables say in this snapshot: stored where clean, live where
dirty. With
p_stored, as last drained.';

-- objects/functions/exact_chapters.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_chapters(
    p_kind text, p_version_id uuid, p_book_id text default null, p_stored boolean default false
)
returns table (
    book_id text,
    chapter_id text,
    covered_verses integer,
    total_verses integer
)
language plpgsql
stable
rows 1200
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_dirty_chapters text[] := progress.dirty_chapters(p_kind, p_version_id, p_stored);
    v_chapter_id text;
begin
    -- A book that may or may not be given is guessed at as one row: hence statements of their own.
    if v_dirty_chapters is null and p_book_id is null then
        return query
        select c.book_id::text, c.chapter_id::text, c.covered_verses, c.total_verses
        from progress.live_chapters as c
        where c.kind = p_kind and c.version_id = p_version_id;
    elsif v_dirty_chapters is null then
        return query
        select c.book_id::text, c.chapter_id::text, c.covered_verses, c.total_verses
        from progress.live_chapters as c
        where c.kind = p_kind and c.version_id = p_version_id and c.book_id = p_book_id;
    elsif p_book_id is null then
        return query
        select c.book_id::text, c.chapter_id::text, c.covered_verses, c.total_verses
        from progress.stored_chapters as c
        where
            c.kind = p_kind
            and c.version_id = p_version_id
            and c.chapter_id <> all (v_dirty_chapters);
    else
        return query
        select c.book_id::text, c.chapter_id::text, c.covered_verses, c.total_verses
        from progress.stored_chapters as c
        where
            c.kind = p_kind
            and c.version_id = p_version_id
            and c.book_id = p_book_id
            and c.chapter_id <> all (v_dirty_chapters);
    end if;

    foreach v_chapter_id in array coalesce(v_dirty_chapters, '{}') loop
        return query
        select c.book_id::text, c.chapter_id::text, c.covered_verses, c.total_verses
        from progress.live_chapters as c
        where
            c.kind = p_kind
            and c.version_id = p_version_id
            and c.chapter_id = v_chapter_id
            and (p_book_id is null or c.book_id = p_book_id);
    end loop;
end
$$;

comment on function progress.exact_chapters(text, uuid, text, boolean) is
'The chapters of a version, or of one book of it, as the base tables say in this snapshot: stored
where clean, live where dirty. With
p_stored, as last drained.';

-- objects/functions/exact_verses.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_verses(
    p_kind text, p_version_id uuid, p_stored boolean default false
)
returns table (verse_id text, chapter_id text)
language plpgsql
stable
rows 31102
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_dirty_chapters text[] := progress.dirty_chapters(p_kind, p_version_id, p_stored);
    v_chapter_id text;
begin
    if v_dirty_chapters is null then
        return query
        select l.verse_id::text, l.chapter_id::text
        from progress.live_verses as l
        where l.kind = p_kind and l.version_id = p_version_id;
        return;
    end if;

    return query
    select s.verse_id::text, s.chapter_id::text
    from progress.stored_verses as s
    where
        s.kind = p_kind
        and s.version_id = p_version_id
        and s.chapter_id <> all (v_dirty_chapters);

    foreach v_chapter_id in array v_dirty_chapters loop
        return query
        select l.verse_id::text, l.chapter_id::text
        from progress.live_verses as l
        where
            l.kind = p_kind
            and l.version_id = p_version_id
            and l.chapter_id = v_chapter_id;
    end loop;
end
$$;

comment on function progress.exact_verses(text, uuid, boolean) is
'The covered verses of a version as the base tables say in this snapshot: stored where clean, live
where dirty. With
p_stored, as last drained.';

-- objects/functions/exact_chapter_verses.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_chapter_verses(
    p_kind text, p_version_id uuid, p_chapter_ids text[], p_stored boolean default false
)
returns table (verse_id text, chapter_id text)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_dirty_chapters text[] := progress.dirty_chapters(p_kind, p_version_id, p_stored);
    v_chapter_id text;
begin
    foreach v_chapter_id in array p_chapter_ids loop
        if v_dirty_chapters is null or v_chapter_id = any (v_dirty_chapters) then
            return query
            select l.verse_id::text, l.chapter_id::text
            from progress.live_verses as l
            where
                l.kind = p_kind
                and l.version_id = p_version_id
                and l.chapter_id = v_chapter_id;
        else
            return query
            select s.verse_id::text, s.chapter_id::text
            from progress.stored_verses as s
            where
                s.kind = p_kind
                and s.version_id = p_version_id
                and s.chapter_id = v_chapter_id;
        end if;
    end loop;
end
$$;

comment on function progress.exact_chapter_verses(text, uuid, text[], boolean) is
'The covered verses of some chapters of a version as the base tables say in this snapshot: stored
where clean, live where dirty. With
p_stored, as last drained.';

-- objects/functions/verse_ranges.sql
create or replace function progress.verse_ranges(p_verse_ids text[])
returns table (chapter_id text, verses integer, ranges text)
language plpgsql
stable
rows 10
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    -- Neighbours are neighbours in canon order: a number that the canon leaves out ends no range.
    return query
    select
        span.chapter_id::text,
        sum(span.verses)::integer,
        string_agg(
            case
                when span.first_number = span.last_number then span.first_number::text
                else span.first_number || '-' || span.last_number
            end,
            ' ' order by span.first_place
        )
    from (
        select
            listed.chapter_id,
            count(*) as verses,
            min(listed.place) as first_place,
            min(listed.verse_number) as first_number,
            max(listed.verse_number) as last_number
        from (
            select
                placed.chapter_id,
                placed.verse_number,
                placed.place,
                placed.place
                - row_number() over (partition by placed.chapter_id order by placed.place) as span
            from (
                select
                    v.id,
                    v.chapter_id,
                    v.verse_number,
                    row_number() over (
                        partition by v.chapter_id order by v.verse_number, v.id collate "C"
                    ) as place
                from public.verses as v
                where
                    v.chapter_id = any (
                        array(
                            select distinct named.chapter_id
                            from public.verses as named
                            where named.id = any (p_verse_ids)
                        )
                    )
            ) as placed
            inner join
                (select distinct u.id from unnest(p_verse_ids) as u (id)) as wanted
                on placed.id = wanted.id
        ) as listed
        group by listed.chapter_id, listed.span
    ) as span
    group by span.chapter_id;
end
$$;

comment on function progress.verse_ranges(text[]) is
'These verses as people write them, 1-12 15 17-20, one row a chapter; runs are of neighbours in
canon order. Ids that are no verse are left out.';

-- objects/functions/gaps.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.gaps(
    p_kind text,
    p_version_id uuid,
    p_chapters integer default null,
    p_stored boolean default false,
    p_after_chapter_id text default null,
    p_sight jsonb default null
)
returns table (book_id text, chapter_id text, missing_verses integer, missing text)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_chapter_ids text[];
    v_started text[];
begin
    if p_after_chapter_id is not null and not exists (
        select
        from progress.versions as v
        inner join progress.canon_chapters as o on v.bible_version_id = o.bible_version_id
        where
            v.kind = p_kind
            and v.version_id = p_version_id
            and o.chapter_id = p_after_chapter_id
            and (p_sight is null or p_sight -> 'books' ? o.book_id::text)
    ) then
        raise exception 'there is no chapter % to go on behind', p_after_chapter_id
            using errcode = 'BP002', hint = 'Begin again without it.';
    end if;

    select
        array_agg(c.chapter_id order by c.place),
        coalesce(array_agg(c.chapter_id) filter (where c.covered_verses > 0), '{}')
    into v_chapter_ids, v_started
    from (
        select
            e.chapter_id,
            e.covered_verses,
            row_number() over (
                order by o.book_number, o.book_id, o.chapter_number, o.chapter_id
            ) as place
        from progress.exact_chapters(p_kind, p_version_id, null, p_stored) as e
        inner join progress.canon_chapters as o on e.chapter_id = o.chapter_id
        where
            e.covered_verses < e.total_verses
            and (p_sight is null or p_sight -> 'books' ? o.book_id::text)
            and (
                p_after_chapter_id is null
                or (o.book_number, o.book_id, o.chapter_number, o.chapter_id) > (
                    select a.book_number, a.book_id, a.chapter_number, a.chapter_id
                    from progress.canon_chapters as a
                    where a.chapter_id = p_after_chapter_id
                )
            )
        order by place
        limit p_chapters
    ) as c;

    return query
    select o.book_id::text, o.chapter_id::text, r.verses, r.ranges
    from progress.verse_ranges(
        array(
            select v.id::text
            from public.verses as v
            where
                v.chapter_id = any (v_chapter_ids)
                and not exists (
                    select
                    from progress.exact_chapter_verses(
                        p_kind, p_version_id, v_started, p_stored
                    ) as e
                    where e.verse_id = v.id
                )
        )
    ) as r
    inner join progress.canon_chapters as o on r.chapter_id = o.chapter_id
    order by o.book_number, o.book_id, o.chapter_number, o.chapter_id;
end
$$;

comment on function progress.gaps(text, uuid, integer, boolean, text, jsonb) is
'What a version lacks, exact in this snapshot, in canon order, one row a chapter with its missing
verses as people write them; at most p_chapters of them, so 1 is what comes next, behind
p_after_chapter_id where that is given, a chapter of its canon (else BP002). No row for a complete version, nor for one that is not
there. With p_stored, as last drained; with p_sight, of the books in it.';

-- objects/functions/gap_list.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.gap_list(
    p_kind text,
    p_version_id uuid,
    p_chapters integer default 200,
    p_after_chapter_id text default null,
    p_stored boolean default false,
    p_sight jsonb default null
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_chapters between 1 and 1500 is not true then
        raise exception '% chapters cannot be listed at once', coalesce(p_chapters::text, 'null')
            using errcode = 'BP002', hint = 'Ask for 1 to 1500, and go on at "next_cursor".';
    end if;
    if p_sight is not null and (p_sight -> p_kind ? p_version_id::text) is not true then
        return null;
    end if;

    return (
        -- One more than asked for tells whether others follow.
        with found as (
            select true as is_listed, g.*
            from
                progress.gaps(
                    p_kind, p_version_id, p_chapters + 1, p_stored, p_after_chapter_id, p_sight
                )
                with ordinality as g (book_id, chapter_id, missing_verses, missing, place)
            union all
            select false as is_listed, g.*
            from
                progress.gaps(p_kind, p_version_id, 1, p_stored, null, p_sight)
                with ordinality as g (book_id, chapter_id, missing_verses, missing, place)
        ),

        gap as materialized (
            select
                f.is_listed,
                f.place,
                f.chapter_id,
                json_build_object(
                    'book_id', f.book_id,
                    'book', b.name,
                    'chapter_id', f.chapter_id,
                    'number', c.chapter_number,
                    'missing_verses', f.missing_verses,
                    'missing', f.missing
                ) as described
            from found as f
            inner join public.chapters as c on f.chapter_id = c.id
            inner join public.books as b on f.book_id = b.id
        )

        select
            json_build_object(
                'kind', v.kind,
                'version_id', v.version_id,
                'as_of', f.as_of,
                'pending', f.pending,
                'missing_verses', e.total_verses - e.covered_verses,
                'next', (select g.described from gap as g where not g.is_listed),
                'items', coalesce(
                    (
                        select json_agg(g.described order by g.place)
                        from gap as g
                        where g.is_listed and g.place <= p_chapters
                    ),
                    '[]'
                ),
                'next_cursor', (
                    select g.chapter_id
                    from gap as g
                    where
                        g.is_listed
                        and g.place = p_chapters
                        and exists (select from gap as o where o.place > p_chapters)
                )
            )
        from progress.versions as v
        cross join lateral progress.exact_version(v.kind, v.version_id, p_stored) as e
        cross join lateral progress.freshness(v.kind, v.version_id, p_stored) as f
        where v.kind = p_kind and v.version_id = p_version_id
    );
end
$$;

comment on function progress.gap_list(text, uuid, integer, text, boolean, jsonb) is
'What progress.gaps finds as one document: at most p_chapters of them, 1 to 1500, behind
p_after_chapter_id; next_cursor is what to give as that for those that follow, NULL at the end, and
next the first of all, what to do first. NULL for a version that is not there. With p_stored, as last drained; with p_sight, as if only what is in it
were there, but with the numbers of the whole version.';

-- objects/functions/compare.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.compare(
    p_kinds text[], p_version_ids uuid[], p_stored boolean default false
)
returns table (
    kind text,
    version_id uuid,
    book_id text,
    chapter_id text,
    only_here_verses integer,
    only_here text,
    lacking_verses integer,
    lacking text
)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    if cardinality(p_kinds) <> cardinality(p_version_ids) or cardinality(p_kinds) < 2 then
        raise exception 'a comparison takes two or more versions, each with its kind'
            using errcode = 'BP002';
    end if;
    if (
        select count(distinct v.bible_version_id)
        from unnest(p_kinds, p_version_ids) as w (kind, version_id)
        inner join progress.versions as v on w.kind = v.kind and w.version_id = v.version_id
    ) > 1 then
        raise exception 'the versions have different canons, whose verses cannot be compared'
            using errcode = 'BP002', hint = 'Compare versions of one canon.';
    end if;

    return query
    -- Who has a verse, for those that not all of them have.
    with differing as materialized (
        select e.verse_id, array_agg(w.place) as places
        from unnest(p_kinds, p_version_ids) with ordinality as w (kind, version_id, place)
        cross join lateral progress.exact_verses(w.kind, w.version_id, p_stored) as e
        group by e.verse_id
        having count(*) < cardinality(p_kinds)
    )

    select
        w.kind,
        w.version_id,
        o.book_id::text,
        o.chapter_id::text,
        r.only_here_verses,
        r.only_here,
        r.lacking_verses,
        r.lacking
    from unnest(p_kinds, p_version_ids) with ordinality as w (kind, version_id, place)
    cross join lateral (
        select
            array_agg(d.verse_id) filter (where d.places = array[w.place]) as only_here,
            array_agg(d.verse_id) filter (where w.place <> all (d.places)) as lacking
        from differing as d
    ) as verse
    cross join lateral (
        select
            coalesce(here.chapter_id, lack.chapter_id) as chapter_id,
            coalesce(here.verses, 0) as only_here_verses,
            coalesce(here.ranges, '') as only_here,
            coalesce(lack.verses, 0) as lacking_verses,
            coalesce(lack.ranges, '') as lacking
        from progress.verse_ranges(coalesce(verse.only_here, '{}')) as here
        full join progress.verse_ranges(coalesce(verse.lacking, '{}')) as lack
            on here.chapter_id = lack.chapter_id
    ) as r
    inner join progress.canon_chapters as o on r.chapter_id = o.chapter_id
    order by w.place, o.book_number, o.book_id, o.chapter_number, o.chapter_id;
end
$$;

comment on function progress.compare(text[], uuid[], boolean) is
'What each of two or more versions of one canon has that none of the others has, and what it lacks
that another has, audio against text included, exact in this snapshot: for each version one row a
chapter, in canon order. Refused (BP002) for different canons. With p_stored, as last drained.';

-- objects/functions/comparison.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.comparison(
    p_kinds text[],
    p_version_ids uuid[],
    p_stored boolean default false,
    p_sight jsonb default null
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if cardinality(p_kinds) between 2 and 8 is not true then
        raise exception 'a comparison takes two to eight versions' using errcode = 'BP002';
    end if;
    -- Before anything is said of their canons: one that is hidden must not be told from none.
    if exists (
        select
        from unnest(p_kinds, p_version_ids) as w (kind, id)
        left join progress.versions as v
            on
                w.kind = v.kind
                and w.id = v.version_id
                and (p_sight is null or p_sight -> v.kind ? v.version_id::text)
        where v.version_id is null
    ) then
        return null;
    end if;

    return (
        with difference as materialized (
            select d.*
            from progress.compare(p_kinds, p_version_ids, p_stored) as d
        )

        select
            json_build_object(
                'as_of', f.as_of,
                'pending', f.pending,
                'items', json_agg(
                    json_build_object(
                        'kind', v.kind,
                        'id', v.version_id,
                        'name', v.name,
                        'only_here_verses', coalesce(d.only_here_verses, 0),
                        'lacking_verses', coalesce(d.lacking_verses, 0),
                        'chapters', coalesce(d.chapters, '[]')
                    )
                    order by w.place
                )
            )
        from unnest(p_kinds, p_version_ids) with ordinality as w (kind, id, place)
        inner join progress.versions as v on w.kind = v.kind and w.id = v.version_id
        cross join progress.freshness_of(p_kinds, p_version_ids, p_stored) as f
        cross join lateral (
            select
                sum(x.only_here_verses) as only_here_verses,
                sum(x.lacking_verses) as lacking_verses,
                json_agg(
                    json_build_object(
                        'book_id', x.book_id,
                        'chapter_id', x.chapter_id,
                        'only_here_verses', x.only_here_verses,
                        'only_here', x.only_here,
                        'lacking_verses', x.lacking_verses,
                        'lacking', x.lacking
                    )
                ) filter (where p_sight is null or p_sight -> 'books' ? x.book_id) as chapters
            from difference as x
            where x.kind = w.kind and x.version_id = w.id
        ) as d
        group by f.as_of, f.pending
    );
end
$$;

comment on function progress.comparison(text[], uuid[], boolean, jsonb) is
'What progress.compare finds of two to eight versions as one document, in the order in which they
were named. NULL where one is not there; refused (BP002) for different canons. With p_stored, as last
drained; with p_sight, as if only what is in it were there.';

-- objects/functions/exact_version.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_version(
    p_kind text, p_version_id uuid, p_stored boolean default false
)
returns table (
    covered_verses integer,
    total_verses integer,
    chapters_with_any integer,
    complete_chapters integer,
    total_chapters integer,
    books_complete integer,
    total_books integer,
    was_stored boolean
)
language plpgsql
stable
rows 1
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    if not p_stored and exists (
        select from progress.dirty as d where d.kind = p_kind and d.version_id = p_version_id
    ) then
        return query
        select
            v.covered_verses,
            v.total_verses,
            v.chapters_with_any,
            v.complete_chapters,
            v.total_chapters,
            v.books_complete,
            v.total_books,
            false
        from progress.versions_by_source as v
        where v.source = 'exact' and v.kind = p_kind and v.version_id = p_version_id;
        return;
    end if;

    return query
    select
        r.covered_verses,
        r.total_verses,
        r.chapters_with_any,
        r.complete_chapters,
        r.total_chapters,
        r.books_complete,
        r.total_books,
        true
    from progress.stored_versions as r
    where r.kind = p_kind and r.version_id = p_version_id;
end
$$;

comment on function progress.exact_version(text, uuid, boolean) is
'The summary of a version as the base tables say in this snapshot; no row for one that is deleted.
was_stored tells whether it was stored. With p_stored, as last drained.';

-- objects/functions/are_dirty.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.are_dirty(
    p_kinds text[], p_version_ids uuid[], p_stored boolean default false
)
returns boolean[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return array(
        select
            not p_stored and exists (
                select
                from progress.dirty as d
                where d.kind = w.kind and d.version_id = w.version_id
            )
        from unnest(p_kinds, p_version_ids) with ordinality as w (kind, version_id, place)
        order by w.place
    );
end
$$;

comment on function progress.are_dirty(text[], uuid[], boolean) is
'Of each of these versions, whether anything that is stored of it may differ from the base tables in
this snapshot. With p_stored, false: for reads that take what is stored as it is.';

-- objects/functions/exact_versions.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_versions(
    p_kinds text[], p_version_ids uuid[], p_stored boolean default false
)
returns table (
    kind text,
    version_id uuid,
    covered_verses integer,
    total_verses integer,
    chapters_with_any integer,
    complete_chapters integer,
    total_chapters integer,
    books_complete integer,
    total_books integer,
    was_stored boolean
)
language plpgsql
stable
rows 50
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_dirty boolean[] := progress.are_dirty(p_kinds, p_version_ids, p_stored);
begin
    -- Where all are dirty nothing stored is opened: a materialized view may be there unfilled.
    if false = any (v_dirty) then
        return query
        select
            w.kind,
            w.version_id,
            s.covered_verses,
            s.total_verses,
            s.chapters_with_any,
            s.complete_chapters,
            s.total_chapters,
            s.books_complete,
            s.total_books,
            true
        from unnest(p_kinds, p_version_ids, v_dirty) as w (kind, version_id, is_dirty)
        inner join progress.stored_versions as s
            on w.kind = s.kind and w.version_id = s.version_id
        where not w.is_dirty;
    end if;

    return query
    select w.kind, w.version_id, e.*
    from unnest(p_kinds, p_version_ids, v_dirty) as w (kind, version_id, is_dirty)
    cross join lateral progress.exact_version(w.kind, w.version_id) as e
    where w.is_dirty;
end
$$;

comment on function progress.exact_versions(text[], uuid[], boolean) is
'The summaries of these versions as exact_version gives them one by one: faster for many. Versions
that are not there have no row.';

-- objects/functions/exact_books_of_versions.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.exact_books_of_versions(
    p_kinds text[], p_version_ids uuid[], p_stored boolean default false
)
returns table (
    kind text, version_id uuid, book_id text, covered_verses integer, total_verses integer
)
language plpgsql
stable
rows 3000
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_dirty boolean[] := progress.are_dirty(p_kinds, p_version_ids, p_stored);
begin
    -- Where all are dirty nothing stored is opened: a materialized view may be there unfilled.
    if false = any (v_dirty) then
        return query
        select w.kind, w.version_id, s.book_id::text, s.covered_verses, s.total_verses
        from unnest(p_kinds, p_version_ids, v_dirty) as w (kind, version_id, is_dirty)
        inner join progress.stored_books as s
            on w.kind = s.kind and w.version_id = s.version_id
        where not w.is_dirty;
    end if;

    return query
    select w.kind, w.version_id, e.book_id, e.covered_verses, e.total_verses
    from unnest(p_kinds, p_version_ids, v_dirty) as w (kind, version_id, is_dirty)
    cross join lateral progress.exact_books(w.kind, w.version_id) as e
    where w.is_dirty;
end
$$;

comment on function progress.exact_books_of_versions(text[], uuid[], boolean) is
'The books of these versions as exact_books gives them one by one: faster for many.';

-- objects/functions/recorded_files.sql
-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.recorded_files(p_version_id uuid)
returns table (chapter_id text, files integer, duration_seconds numeric)
language plpgsql
stable
rows 1200
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select
        coalesce(v.chapter_id, case when r.start_verse_id is null then r.chapter_id end)::text,
        count(*)::integer,
        coalesce(sum(r.duration_seconds), 0)
    from progress.recordings as r
    left join public.verses as v on r.start_verse_id = v.id
    where r.audio_version_id = p_version_id
    group by 1;
end
$$;

comment on function progress.recorded_files(uuid) is
'The recordings of an audio version that count and their duration, by the chapter in which they
begin; NULL for those that name none, such as a book with verse timings.';

-- objects/functions/freshness.sql
-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.freshness(
    p_kind text default null, p_version_id uuid default null, p_stored boolean default false
)
returns table (as_of timestamptz, pending boolean, stale_seconds double precision)
language plpgsql
stable
rows 1
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_since timestamptz;
begin
    if p_stored and progress.strategy() = 'views' then
        raise exception 'nothing is stored in this database, which is on an early step of the rollout'
            using errcode = 'BP005', hint = 'Read with consistency exact.';
    end if;

    if p_version_id is null then
        pending := exists (select from progress.dirty);
        v_since := (select min(s.enqueued_at) from progress.signalled as s);
    else
        pending := exists (
            select from progress.dirty as d where d.kind = p_kind and d.version_id = p_version_id
        );
        v_since := (
            select min(s.enqueued_at)
            from progress.signalled as s
            where s.kind = p_kind and s.version_id = p_version_id
        );
    end if;

    as_of := case when p_stored then coalesce(v_since, statement_timestamp()) else statement_timestamp() end;
    stale_seconds := case
        when not p_stored or not pending then 0
        when v_since is not null then greatest(extract(epoch from statement_timestamp() - v_since), 0)
    end;
    return next;
end
$$;

comment on function progress.freshness(text, uuid, boolean) is
'Up to when the numbers of a version, or of all, hold in this snapshot, and whether changes wait to
be drained. With p_stored, of what is stored: stale_seconds is the age of the oldest change that it
lacks, NULL where that is unknown, and BP005 is raised where nothing is stored.';

-- objects/functions/freshness_of.sql
-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.freshness_of(
    p_kinds text[], p_version_ids uuid[], p_stored boolean default false
)
returns table (as_of timestamptz, pending boolean, stale_seconds double precision)
language plpgsql
stable
rows 1
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        coalesce(min(f.as_of), statement_timestamp()),
        coalesce(bool_or(f.pending), false),
        case when count(*) = count(f.stale_seconds) then coalesce(max(f.stale_seconds), 0) end
    from unnest(p_kinds, p_version_ids) as v (kind, id)
    cross join lateral progress.freshness(v.kind, v.id, p_stored) as f;
end
$$;

comment on function progress.freshness_of(text[], uuid[], boolean) is
'Up to when the numbers of all of these versions hold in this snapshot: the oldest of what
progress.freshness says of each.';

-- objects/functions/language_freshness.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.language_freshness(
    p_language_entity_id uuid,
    p_descendants boolean default false,
    p_stored boolean default false,
    p_sight jsonb default null
)
returns table (as_of timestamptz, pending boolean, stale_seconds double precision)
language plpgsql
stable
rows 1
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_languages uuid[] := case
        when p_descendants
            then array(select progress.language_descendants(p_language_entity_id))
        else array[p_language_entity_id]
    end;
begin
    return query
    select f.as_of, f.pending, f.stale_seconds
    from (
        select array_agg(v.kind) as kinds, array_agg(v.version_id) as ids
        from progress.versions as v
        where
            v.language_entity_id = any (v_languages)
            and (
                p_sight is null
                or (
                    p_sight -> 'languages' ? v.language_entity_id::text
                    and p_sight -> v.kind ? v.version_id::text
                )
            )
    ) as counted
    cross join lateral progress.freshness_of(counted.kinds, counted.ids, p_stored) as f;
end
$$;

comment on function progress.language_freshness(uuid, boolean, boolean, jsonb) is
'Up to when the numbers of the versions of a language hold in this snapshot; with p_descendants, of
those below it too, with p_sight, of those in it.';

-- objects/functions/summaries.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.summaries(p_stored boolean default false)
returns table (
    kind text,
    version_id uuid,
    covered_verses integer,
    total_verses integer,
    chapters_with_any integer,
    complete_chapters integer,
    total_chapters integer,
    books_complete integer,
    total_books integer,
    was_stored boolean,
    refreshed_at timestamptz
)
language plpgsql
stable
rows 10000
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    if not p_stored and progress.strategy() = 'matview' and not progress.is_filled() then
        return query
        select v.kind, v.version_id, e.*, null::timestamptz
        from progress.versions as v
        cross join lateral progress.exact_version(v.kind, v.version_id) as e;
        return;
    end if;

    return query
    with waiting as materialized (
        select distinct d.kind, d.version_id
        from progress.dirty as d
        where not p_stored
    )

    select
        r.kind,
        r.version_id,
        r.covered_verses,
        r.total_verses,
        r.chapters_with_any,
        r.complete_chapters,
        r.total_chapters,
        r.books_complete,
        r.total_books,
        true,
        r.refreshed_at
    from progress.stored_versions as r
    where not exists (
        select from waiting as w where w.kind = r.kind and w.version_id = r.version_id
    )
    union all
    select
        w.kind,
        w.version_id,
        e.covered_verses,
        e.total_verses,
        e.chapters_with_any,
        e.complete_chapters,
        e.total_chapters,
        e.books_complete,
        e.total_books,
        false,
        o.refreshed_at
    from waiting as w
    cross join lateral progress.exact_version(w.kind, w.version_id) as e
    left join progress.version_rollup as o on w.kind = o.kind and w.version_id = o.version_id;
end
$$;

comment on function progress.summaries(boolean) is
'The summary of every version as the base tables say in this snapshot: stored where clean, live
where dirty. With p_stored, as last drained. refreshed_at:
when what is stored of it last changed, where that is known.';

-- objects/functions/testaments.sql
-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.testaments(
    p_kinds text[], p_version_ids uuid[], p_stored boolean default false
)
returns table (kind text, version_id uuid, testaments json)
language plpgsql
stable
rows 50
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    with testament as (
        select
            b.kind,
            b.version_id,
            o.testament::text as testament,
            min(o.book_number) as first_number,
            sum(b.covered_verses) as covered_verses,
            sum(b.total_verses) as total_verses,
            count(*) filter (
                where progress.is_complete(b.covered_verses, b.total_verses)
            ) as books_complete,
            count(*) as total_books
        from progress.exact_books_of_versions(p_kinds, p_version_ids, p_stored) as b
        inner join public.books as o on b.book_id = o.id
        group by b.kind, b.version_id, o.testament::text
    )

    select
        w.kind,
        w.version_id,
        coalesce(
            json_agg(
                json_build_object(
                    'testament', t.testament,
                    'covered_verses', t.covered_verses,
                    'total_verses', t.total_verses,
                    'percent', progress.percent(t.covered_verses, t.total_verses),
                    'books_complete', t.books_complete,
                    'total_books', t.total_books
                )
                order by t.first_number
            ) filter (where t.kind is not null),
            '[]'
        )
    from unnest(p_kinds, p_version_ids) as w (kind, version_id)
    left join testament as t on w.kind = t.kind and w.version_id = t.version_id
    group by w.kind, w.version_id;
end
$$;

comment on function progress.testaments(text[], uuid[], boolean) is
'The testaments of the canons of versions, each version''s in canon order as one document, exact in
this snapshot; books of neither have testament null. With p_stored, as last drained.';

-- objects/functions/tree.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.tree(
    p_kind text,
    p_version_id uuid,
    p_depth text default 'chapter',
    p_book_id text default null,
    p_stored boolean default false,
    p_sight jsonb default null
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
-- What a function returns has no statistics; without them sorts for a merge are chosen over a hash.
set enable_mergejoin = off
as $$
declare
    v_books json;
    v_counts record;
    v_files bigint;
    v_duration numeric;
begin
    if (p_depth in ('version', 'book', 'chapter')) is not true then
        raise exception 'depth % is none of version, book, chapter', coalesce(p_depth, 'null')
            using errcode = 'BP002';
    end if;

    if p_sight is not null and (p_sight -> p_kind ? p_version_id::text) is not true then
        return null;
    end if;

    select e.* into v_counts from progress.exact_version(p_kind, p_version_id, p_stored) as e;
    if not found then
        return null;
    end if;

    if p_depth = 'version' then
        select sum(f.files), sum(f.duration_seconds)
        into v_files, v_duration
        from progress.recorded_files(p_version_id) as f
        where p_kind = 'audio';
    else
        with file as materialized (
            select c.book_id, f.chapter_id, f.files, f.duration_seconds
            from progress.recorded_files(p_version_id) as f
            left join public.chapters as c on f.chapter_id = c.id
            where p_kind = 'audio'
        ),

        file_of_book as (
            select f.book_id, sum(f.files) as files, sum(f.duration_seconds) as duration_seconds
            from file as f
            group by f.book_id
        ),

        chapter as (
            select e.book_id, e.chapter_id, e.covered_verses, e.total_verses
            from progress.exact_chapters(p_kind, p_version_id, p_book_id, p_stored) as e
            where p_depth = 'chapter'
        ),

        -- Only these take looking at verses.
        started as (
            select array_agg(c.chapter_id) as ids
            from chapter as c
            where c.covered_verses > 0 and c.covered_verses < c.total_verses
        ),

        covered as materialized (
            select e.verse_id
            from started as s
            cross join progress.exact_chapter_verses(
                p_kind, p_version_id, s.ids, p_stored
            ) as e
            where s.ids is not null
        ),

        covered_range as materialized (
            select r.chapter_id, r.ranges
            from progress.verse_ranges(array(select c.verse_id from covered as c)) as r
        ),

        missing_range as materialized (
            select r.chapter_id, r.ranges
            from progress.verse_ranges(
                array(
                    select v.id::text
                    from public.verses as v
                    where
                        v.chapter_id = any ((select s.ids from started as s)::text[])
                        and v.id not in (select c.verse_id from covered as c)
                )
            ) as r
        ),

        -- Rows become documents faster than pairs of names and values do.
        chapters as (
            select c.book_id, json_agg(to_json(d) order by d.number, d.id) as listed
            from chapter as c
            inner join public.chapters as o on c.chapter_id = o.id
            left join covered_range as r on c.chapter_id = r.chapter_id
            left join missing_range as m on c.chapter_id = m.chapter_id
            left join file as f on c.chapter_id = f.chapter_id
            cross join lateral (
                select
                    c.chapter_id as id,
                    o.chapter_number as number,
                    progress.coverage_status(c.covered_verses, c.total_verses) as status,
                    c.covered_verses,
                    c.total_verses,
                    progress.percent(c.covered_verses, c.total_verses) as percent,
                    r.ranges as covered,
                    m.ranges as missing,
                    case when p_kind = 'audio' then coalesce(f.files, 0) end as files,
                    case
                        when p_kind = 'audio' then coalesce(f.duration_seconds, 0)
                    end as duration_seconds
            ) as d
            group by c.book_id
        ),

        books as (
            select json_agg(to_json(d) order by d.number, d.id) as listed
            from progress.exact_books(p_kind, p_version_id, p_stored) as e
            inner join public.books as b on e.book_id = b.id
            left join chapters as c on e.book_id = c.book_id
            left join file_of_book as f on e.book_id = f.book_id
            cross join lateral (
                select
                    e.book_id as id,
                    b.name,
                    b.book_number as number,
                    b.testament,
                    progress.coverage_status(e.covered_verses, e.total_verses) as status,
                    e.covered_verses,
                    e.total_verses,
                    progress.percent(e.covered_verses, e.total_verses) as percent,
                    e.chapters_with_any,
                    e.complete_chapters,
                    e.total_chapters,
                    case when p_kind = 'audio' then coalesce(f.files, 0) end as files,
                    case
                        when p_kind = 'audio' then coalesce(f.duration_seconds, 0)
                    end as duration_seconds,
                    case when p_depth = 'chapter' then coalesce(c.listed, '[]') end as chapters
            ) as d
            where
                (p_book_id is null or e.book_id = p_book_id)
                and (p_sight is null or p_sight -> 'books' ? e.book_id)
        )

        select
            coalesce((select b.listed from books as b), '[]'),
            sum(f.files),
            sum(f.duration_seconds)
        into v_books, v_files, v_duration
        from file as f;
    end if;

    return (
        select
            json_build_object(
                'kind', p_kind,
                'id', p_version_id,
                'name', v.name,
                'language_entity_id', v.language_entity_id,
                'language', l.name,
                'bible_version_id', v.bible_version_id,
                'canon', k.name,
                'created_at', v.created_at,
                'refreshed_at', r.refreshed_at,
                'as_of', f.as_of,
                'pending', f.pending,
                'is_best', coalesce(
                    p_version_id = case
                        when p_sight is null
                            then progress.exact_best_version(
                                p_kind, v.language_entity_id, p_stored
                            )
                        else (
                            select b.version_id
                            from progress.best_versions(
                                array[v.language_entity_id],
                                false,
                                p_stored,
                                -- Its own language counts even where its row is hidden.
                                jsonb_set(
                                    p_sight,
                                    '{languages}',
                                    jsonb_build_array(v.language_entity_id)
                                )
                            ) as b
                            where b.kind = p_kind
                        )
                    end,
                    false
                ),
                'status', progress.coverage_status(v_counts.covered_verses, v_counts.total_verses),
                'covered_verses', v_counts.covered_verses,
                'total_verses', v_counts.total_verses,
                'percent', progress.percent(v_counts.covered_verses, v_counts.total_verses),
                'chapters_with_any', v_counts.chapters_with_any,
                'complete_chapters', v_counts.complete_chapters,
                'total_chapters', v_counts.total_chapters,
                'books_complete', v_counts.books_complete,
                'total_books', v_counts.total_books,
                'testaments', t.testaments,
                'files', case when p_kind = 'audio' then coalesce(v_files, 0) end,
                'duration_seconds',
                case when p_kind = 'audio' then coalesce(v_duration, 0) end,
                'books', v_books
            )
        from progress.versions as v
        cross join lateral progress.freshness(v.kind, v.version_id, p_stored) as f
        cross join progress.testaments(array[p_kind], array[p_version_id], p_stored) as t
        left join public.language_entities as l
            on
                v.language_entity_id = l.id
                and (p_sight is null or p_sight -> 'languages' ? l.id::text)
        left join public.bible_versions as k
            on
                v.bible_version_id = k.id
                and (p_sight is null or p_sight -> 'canons' ? k.id::text)
        left join progress.version_rollup as r on v.kind = r.kind and v.version_id = r.version_id
        where v.kind = p_kind and v.version_id = p_version_id
    );
end
$$;

comment on function progress.tree(text, uuid, text, text, boolean, jsonb) is
'A version with its books and their chapters in canon order as one document, exact in this snapshot;
p_depth version, book or chapter says how deep, p_book_id keeps one book. A chapter that is begun but
not complete has its covered and missing verses as people write them. Recordings have their files and
duration, counted where they begin. NULL for a version that is not there. With p_stored, as last
drained; with p_sight, as if only what is in it were there, but with the numbers of the whole
version.';

-- objects/functions/book_list.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.book_list(
    p_kind text, p_version_id uuid, p_stored boolean default false
)
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
                'kind', t.tree -> 'kind',
                'version_id', t.tree -> 'id',
                'as_of', t.tree -> 'as_of',
                'pending', t.tree -> 'pending',
                'items', t.tree -> 'books'
            )
        from progress.tree(p_kind, p_version_id, 'book', null, p_stored) as t (tree)
        where t.tree is not null
    );
end
$$;

comment on function progress.book_list(text, uuid, boolean) is
'The books of a version in canon order as one document, exact in this snapshot. NULL for a version
that is not there. With p_stored, as last drained.';

-- objects/functions/chapter.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.chapter(
    p_kind text, p_version_id uuid, p_chapter_id text, p_stored boolean default false
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
        with has as materialized (
            select e.verse_id
            from progress.exact_chapter_verses(
                p_kind, p_version_id, array[p_chapter_id], p_stored
            ) as e
        ),

        verse as materialized (
            select v.id, v.verse_number, h.verse_id is not null as is_covered
            from public.verses as v
            left join has as h on v.id = h.verse_id
            where v.chapter_id = p_chapter_id
        ),

        counted as (
            select
                count(*) as total_verses,
                count(*) filter (where v.is_covered) as covered_verses,
                array_agg(v.id::text) filter (where v.is_covered) as covered,
                array_agg(v.id::text) filter (where not v.is_covered) as missing,
                json_agg(
                    json_build_object(
                        'id', v.id, 'number', v.verse_number, 'is_covered', v.is_covered
                    )
                    order by v.verse_number, v.id collate "C"
                ) as listed
            from verse as v
        )

        select
            json_build_object(
                'kind', p_kind,
                'version_id', p_version_id,
                'as_of', f.as_of,
                'pending', f.pending,
                'book_id', o.book_id,
                'book', b.name,
                'id', o.chapter_id,
                'number', o.chapter_number,
                'status', progress.coverage_status(c.covered_verses, c.total_verses),
                'covered_verses', c.covered_verses,
                'total_verses', c.total_verses,
                'percent', progress.percent(c.covered_verses, c.total_verses),
                'covered', coalesce((select r.ranges from progress.verse_ranges(c.covered) as r), ''),
                'missing', coalesce((select r.ranges from progress.verse_ranges(c.missing) as r), ''),
                'verses', coalesce(c.listed, '[]')
            )
        from progress.versions as ver
        inner join progress.canon_chapters as o
            on ver.bible_version_id = o.bible_version_id and o.chapter_id = p_chapter_id
        inner join public.books as b on o.book_id = b.id
        cross join counted as c
        cross join lateral progress.freshness(p_kind, p_version_id, p_stored) as f
        where ver.kind = p_kind and ver.version_id = p_version_id
    );
end
$$;

comment on function progress.chapter(text, uuid, text, boolean) is
'A chapter of a version with its verses and whether they are covered as one document, exact in this
snapshot. NULL for a version that is not there or a chapter that its canon does not have. With
p_stored, as last drained.';

-- objects/functions/chapter_list.sql
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
                                    'number', o.chapter_number,
                                    'status',
                                    progress.coverage_status(e.covered_verses, e.total_verses),
                                    'covered_verses', e.covered_verses,
                                    'total_verses', e.total_verses,
                                    'percent', progress.percent(e.covered_verses, e.total_verses)
                                )
                                order by o.book_number, o.book_id, o.chapter_number, o.chapter_id
                            )
                        from progress.exact_chapters(
                            v.kind, v.version_id, p_book_id, p_stored
                        ) as e
                        inner join progress.canon_chapters as o on e.chapter_id = o.chapter_id
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

-- objects/functions/language_descendants.sql
-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.language_descendants(p_language_entity_id uuid)
returns setof uuid
language plpgsql
stable
rows 10
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Without union all, so that a circle of parents ends.
    return query
    with recursive below (id) as (
        select p_language_entity_id
        union
        select l.id
        from public.language_entities as l
        inner join below as b on l.parent_id = b.id
        where l.deleted_at is null
    )

    select b.id from below as b;
end
$$;

comment on function progress.language_descendants(uuid) is
'A language and all that are below it and not deleted.';

-- objects/functions/languages_within.sql
-- Stable, so it sees the snapshot of the query that calls it.
create or replace function progress.languages_within(
    p_language_entity_ids uuid[], p_descendants boolean
)
returns table (id uuid, within uuid)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select w.id, d.id
    from unnest(p_language_entity_ids) as w (id)
    cross join lateral (
        select w.id
        where not p_descendants
        union all
        select b.id
        from progress.language_descendants(w.id) as b (id)
        where p_descendants
    ) as d;
end
$$;

comment on function progress.languages_within(uuid[], boolean) is
'What counts as within each of these languages: itself, and with p_descendants all that are below
it.';

-- objects/functions/best_versions.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.best_versions(
    p_language_entity_ids uuid[],
    p_descendants boolean default false,
    p_stored boolean default false,
    p_sight jsonb default null
)
returns table (
    language_entity_id uuid, kind text, version_id uuid, reason text, versions integer
)
language plpgsql
stable
rows 10
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    with wanted as (
        select w.id, w.within
        from progress.languages_within(p_language_entity_ids, p_descendants) as w
        where p_sight is null or p_sight -> 'languages' ? w.within::text
    ),

    candidate as materialized (
        select w.id, v.kind, v.version_id, v.created_at
        from wanted as w
        inner join progress.versions as v on w.within = v.language_entity_id
        -- What the join says already, in words that reach the indexes below the view.
        where
            v.language_entity_id = any (array(select a.within from wanted as a))
            and (p_sight is null or p_sight -> v.kind ? v.version_id::text)
    ),

    ranked as (
        select
            c.id,
            c.kind,
            c.version_id,
            progress.rank(
                c.kind,
                e.covered_verses,
                e.total_verses,
                e.chapters_with_any,
                e.complete_chapters,
                e.total_chapters,
                e.books_complete,
                e.total_books,
                c.created_at
            ) as rank
        from (
            select array_agg(o.kind) as kinds, array_agg(o.version_id) as version_ids
            from (select distinct c.kind, c.version_id from candidate as c) as o
        ) as named
        cross join progress.exact_versions(named.kinds, named.version_ids, p_stored) as e
        inner join candidate as c on e.kind = c.kind and e.version_id = c.version_id
        where e.covered_verses > 0
    ),

    placed as (
        select
            r.*,
            row_number() over best_first as place,
            lead(r.rank) over best_first as next_rank,
            count(*) over (partition by r.id, r.kind) as versions
        from ranked as r
        window best_first as (partition by r.id, r.kind order by r.rank desc, r.version_id asc)
    )

    select
        p.id,
        p.kind,
        p.version_id,
        progress.rank_reason(p.rank, p.next_rank),
        p.versions::integer
    from placed as p
    where p.place = 1;
end
$$;

comment on function progress.best_versions(uuid[], boolean, boolean, jsonb) is
'The best version of each kind of these languages and why it is, exact in this snapshot, with the
number of versions that cover anything; with p_descendants, of all versions of the languages below
too. With p_stored, as last drained; with p_sight, among the versions and languages in it.';

-- objects/functions/version_list.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.version_list(
    p_kind text default null,
    p_language_entity_id uuid default null,
    p_descendants boolean default false,
    p_search text default null,
    p_status text default null,
    p_min_percent integer default null,
    p_sort text default 'name',
    p_limit integer default 50,
    p_after json default null,
    p_stored boolean default false
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
-- What a function returns has no statistics; without them sorts for a merge are chosen over a hash.
set enable_mergejoin = off
as $$
declare
    v_by text := ltrim(p_sort, '-');
    v_descending boolean := p_sort like '-%';
    -- Of a list that numbers neither filter nor order, those of the page are enough.
    v_by_numbers boolean := p_stored
    or p_status is not null
    or p_min_percent is not null
    or v_by in ('percent', 'covered', 'updated');
    v_languages uuid[];
    v_total bigint;
    v_kinds text[];
    v_version_ids uuid[];
    v_items json;
    v_next json;
begin
    if v_by not in ('name', 'percent', 'covered', 'updated', 'created') then
        raise exception 'sort % is none of name, percent, covered, updated, created', p_sort
            using errcode = 'BP002', hint = 'With a minus before it, the greatest comes first.';
    end if;
    if p_language_entity_id is not null then
        v_languages := case
            when p_descendants
                then array(select progress.language_descendants(p_language_entity_id))
            else array[p_language_entity_id]
        end;
    end if;

    -- Each offset keeps the planner from moving filters over it: numbers are not read where they
    -- are not needed, and guesses at what filters leave make no nested loops of the join.
    with numbers as (
        select n.kind, n.version_id, n.covered_verses, n.total_verses, n.refreshed_at
        from progress.summaries(p_stored) as n
        where v_by_numbers
        offset 0
    ),

    observed as (
        select
            v.kind,
            v.version_id,
            v.name,
            v.language_entity_id,
            v.created_at,
            n.covered_verses,
            n.total_verses,
            n.refreshed_at
        from progress.versions as v
        left join numbers as n on v.kind = n.kind and v.version_id = n.version_id
        where n.kind is not null or not v_by_numbers
        offset 0
    ),

    matching as materialized (
        select
            o.kind,
            o.version_id,
            case when v_by = 'name' then lower(o.name) else '' end as key_text,
            case v_by
                when 'percent' then coalesce(progress.fraction(o.covered_verses, o.total_verses), -1)
                when 'covered' then o.covered_verses
                when 'created' then extract(epoch from o.created_at)
                when 'updated' then coalesce(extract(epoch from o.refreshed_at), 0)
                else 0
            end as key_number
        from observed as o
        where
            (p_kind is null or o.kind = p_kind)
            and (v_languages is null or o.language_entity_id = any (v_languages))
            and (
                p_search is null
                or strpos(lower(o.name), lower(p_search)) > 0
                or o.language_entity_id in (
                    select l.id
                    from public.language_entities as l
                    where strpos(lower(l.name), lower(p_search)) > 0
                )
            )
            and (
                p_status is null
                or progress.coverage_status(o.covered_verses, o.total_verses) = p_status
            )
            and (
                p_min_percent is null
                or progress.percent(o.covered_verses, o.total_verses) >= p_min_percent
            )
    ),

    page as materialized (
        select m.*, row_number() over () as place
        from (
            select n.*
            from matching as n
            where
                p_after is null
                or case
                    when v_descending
                        then (n.key_text, n.key_number, n.kind, n.version_id) < (
                            p_after ->> 0,
                            (p_after ->> 1)::numeric,
                            p_after ->> 2,
                            (p_after ->> 3)::uuid
                        )
                    else (n.key_text, n.key_number, n.kind, n.version_id) > (
                        p_after ->> 0,
                        (p_after ->> 1)::numeric,
                        p_after ->> 2,
                        (p_after ->> 3)::uuid
                    )
                end
            order by
                case when v_descending then n.key_text end desc,
                case when v_descending then n.key_number end desc,
                case when v_descending then n.kind end desc,
                case when v_descending then n.version_id end desc,
                n.key_text asc,
                n.key_number asc,
                n.kind asc,
                n.version_id asc
            limit p_limit + 1
        ) as m
    )

    select
        (select count(*) from matching),
        array_agg(p.kind order by p.place) filter (where p.place <= p_limit),
        array_agg(p.version_id order by p.place) filter (where p.place <= p_limit),
        (
            select json_build_array(l.key_text, l.key_number::text, l.kind, l.version_id)
            from page as l
            where l.place = p_limit and exists (select from page as o where o.place > p_limit)
        )
    into v_total, v_kinds, v_version_ids, v_next
    from page as p;

    with page as materialized (
        select
            v.kind,
            v.version_id,
            v.name,
            v.language_entity_id,
            v.bible_version_id,
            v.created_at,
            w.place
        from unnest(v_kinds, v_version_ids) with ordinality as w (kind, version_id, place)
        inner join progress.versions as v on w.kind = v.kind and w.version_id = v.version_id
        -- What the join says already, in words that reach the indexes below the view.
        where v.version_id = any (v_version_ids)
    )

    select
        coalesce(
            json_agg(
                json_build_object(
                    'kind', p.kind,
                    'id', p.version_id,
                    'name', p.name,
                    'language_entity_id', p.language_entity_id,
                    'language', l.name,
                    'bible_version_id', p.bible_version_id,
                    'created_at', p.created_at,
                    'refreshed_at', r.refreshed_at,
                    'pending', not s.was_stored,
                    'is_best', b.version_id is not null,
                    'status', progress.coverage_status(s.covered_verses, s.total_verses),
                    'covered_verses', s.covered_verses,
                    'total_verses', s.total_verses,
                    'percent', progress.percent(s.covered_verses, s.total_verses),
                    'chapters_with_any', s.chapters_with_any,
                    'complete_chapters', s.complete_chapters,
                    'total_chapters', s.total_chapters,
                    'books_complete', s.books_complete,
                    'total_books', s.total_books,
                    'testaments', t.testaments
                )
                order by p.place
            ),
            '[]'
        )
    into v_items
    from page as p
    inner join progress.exact_versions(v_kinds, v_version_ids, p_stored) as s
        on p.kind = s.kind and p.version_id = s.version_id
    inner join progress.testaments(v_kinds, v_version_ids, p_stored) as t
        on p.kind = t.kind and p.version_id = t.version_id
    left join progress.best_versions(
        array(select distinct o.language_entity_id from page as o), false, p_stored
    ) as b
        on p.kind = b.kind and p.version_id = b.version_id
    left join progress.version_rollup as r on p.kind = r.kind and p.version_id = r.version_id
    left join public.language_entities as l on p.language_entity_id = l.id;

    return (
        select
            json_build_object(
                'as_of', f.as_of,
                'pending', f.pending,
                'total', v_total,
                'items', v_items,
                'next_cursor', v_next
            )
        from progress.freshness(null, null, p_stored) as f
    );
end
$$;

comment on function progress.version_list(
    text, uuid, boolean, text, text, integer, text, integer, json, boolean
) is
'Versions with their summaries and testaments as one document, exact in this snapshot: at most
p_limit of those of a kind, a language (with p_descendants those below it too), whose name or
language has p_search in it, of a status, with at least p_min_percent. p_sort is name, percent,
covered, updated or created, with a minus before it the other way round. next_cursor is what to
give as p_after for those that follow, NULL at the end; total counts all. With p_stored, as last
drained.';

-- objects/functions/languages.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.languages(
    p_language_entity_ids uuid[],
    p_descendants boolean default false,
    p_stored boolean default false,
    p_sight jsonb default null
)
returns json
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
    return (
        with wanted as materialized (
            select w.id, w.within
            from progress.languages_within(p_language_entity_ids, p_descendants) as w
            where p_sight is null or p_sight -> 'languages' ? w.within::text
        ),

        counted as (
            select
                w.id,
                count(*) filter (where v.kind = 'text') as text_versions,
                count(*) filter (where v.kind = 'audio') as audio_versions
            from wanted as w
            inner join progress.versions as v on w.within = v.language_entity_id
            where
                -- What the join says already, in words that reach the indexes below the view.
                v.language_entity_id = any (array(select a.within from wanted as a))
                and (p_sight is null or p_sight -> v.kind ? v.version_id::text)
            group by w.id
        ),

        best as (
            select
                b.language_entity_id,
                b.kind,
                json_build_object(
                    'kind', b.kind,
                    'id', b.version_id,
                    'name', v.name,
                    'language_entity_id', v.language_entity_id,
                    'reason', b.reason,
                    'versions', b.versions,
                    'status', progress.coverage_status(e.covered_verses, e.total_verses),
                    'covered_verses', e.covered_verses,
                    'total_verses', e.total_verses,
                    'percent', progress.percent(e.covered_verses, e.total_verses),
                    'testaments', t.testaments
                ) as described
            from progress.best_versions(
                p_language_entity_ids, p_descendants, p_stored, p_sight
            ) as b
            inner join progress.versions as v
                on b.kind = v.kind and b.version_id = v.version_id
            cross join lateral progress.exact_version(b.kind, b.version_id, p_stored) as e
            cross join lateral progress.testaments(
                array[b.kind], array[b.version_id], p_stored
            ) as t
        )

        select
            coalesce(
                json_agg(
                    json_build_object(
                        'id', l.id,
                        'name', l.name,
                        'level', l.level,
                        'parent_id', l.parent_id,
                        'parent', p.name,
                        'children', (
                            select count(*)
                            from public.language_entities as c
                            where
                                c.parent_id = l.id
                                and c.deleted_at is null
                                and (p_sight is null or p_sight -> 'languages' ? c.id::text)
                        ),
                        'text_versions', coalesce(n.text_versions, 0),
                        'audio_versions', coalesce(n.audio_versions, 0),
                        'best_text', t.described,
                        'best_audio', a.described
                    )
                    order by w.place
                ),
                '[]'
            )
        from unnest(p_language_entity_ids) with ordinality as w (id, place)
        inner join public.language_entities as l on w.id = l.id
        left join public.language_entities as p
            on
                l.parent_id = p.id
                and (p_sight is null or p_sight -> 'languages' ? p.id::text)
        left join counted as n on l.id = n.id
        left join best as t on l.id = t.language_entity_id and t.kind = 'text'
        left join best as a on l.id = a.language_entity_id and a.kind = 'audio'
        where
            l.deleted_at is null
            and (p_sight is null or p_sight -> 'languages' ? l.id::text)
    );
end
$$;

comment on function progress.languages(uuid[], boolean, boolean, jsonb) is
'These languages in this order with their best versions, exact in this snapshot; deleted ones and
ids that are none are left out. With p_descendants, what is below them counts too. With p_stored, as
last drained; with p_sight, as if only what is in it were there.';

-- objects/functions/language.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.language(
    p_language_entity_id uuid,
    p_descendants boolean default false,
    p_stored boolean default false,
    p_sight jsonb default null
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_language json := progress.languages(
        array[p_language_entity_id], p_descendants, p_stored, p_sight
    ) -> 0;
begin
    if v_language is null then
        return null;
    end if;
    return (
        select
            json_build_object(
                'as_of', f.as_of,
                'pending', f.pending,
                'language', v_language
            )
        from progress.language_freshness(
            p_language_entity_id, p_descendants, p_stored, p_sight
        ) as f
    );
end
$$;

comment on function progress.language(uuid, boolean, boolean, jsonb) is
'A language with its best recording and its best text and why they are, as one document, exact in
this snapshot. NULL for one that is not there. With p_descendants, what is below it counts too. With
p_stored, as last drained; with p_sight, as if only what is in it were there.';

-- objects/functions/language_list.sql
-- Stable, so every statement here sees the snapshot of the query that calls it.
create or replace function progress.language_list(
    p_search text default null,
    p_descendants boolean default false,
    p_with_versions boolean default false,
    p_limit integer default 50,
    p_after json default null,
    p_stored boolean default false
)
returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_total bigint;
    v_ids uuid[];
    v_next json;
begin
    with matching as materialized (
        select l.id, lower(l.name) as key_text
        from public.language_entities as l
        where
            l.deleted_at is null
            and (p_search is null or strpos(lower(l.name), lower(p_search)) > 0)
            and (
                not p_with_versions
                or exists (select from progress.versions as v where v.language_entity_id = l.id)
            )
    ),

    page as (
        select m.id, m.key_text, row_number() over (order by m.key_text, m.id) as place
        from matching as m
        where p_after is null or (m.key_text, m.id) > (p_after ->> 0, (p_after ->> 1)::uuid)
        order by m.key_text, m.id
        limit p_limit + 1
    )

    select
        (select count(*) from matching),
        array_agg(p.id order by p.place) filter (where p.place <= p_limit),
        (array_agg(json_build_array(p.key_text, p.id)) filter (
            where p.place = p_limit and exists (select from page as o where o.place > p_limit)
        ))[1]
    into v_total, v_ids, v_next
    from page as p;

    return (
        select
            json_build_object(
                'as_of', f.as_of,
                'pending', f.pending,
                'total', v_total,
                'items', progress.languages(coalesce(v_ids, '{}'), p_descendants, p_stored),
                'next_cursor', v_next
            )
        from progress.freshness(null, null, p_stored) as f
    );
end
$$;

comment on function progress.language_list(text, boolean, boolean, integer, json, boolean) is
'Languages by name with their best versions as one document, exact in this snapshot: at most p_limit
of those with p_search in their name, p_with_versions: that have any. With p_descendants, what is
below them counts too. next_cursor is what to give as p_after for those that follow, NULL at the
end; total counts all. With p_stored, as last drained.';

-- objects/functions/history.sql
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

-- objects/functions/version_states.sql
-- Signals come with writes and go with drains, and what a drain writes it stamps.
create or replace function progress.version_states()
returns table (kind text, version_id uuid, mark text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select s.kind, s.version_id, max(s.mark)
    from (
        select r.kind, r.version_id, r.refreshed_at::text as mark
        from progress.version_rollup as r
        union all
        select q.kind, q.version_id, 'signal ' || max(q.id)::text
        from public.progress_refresh_queue as q
        group by q.kind, q.version_id
    ) as s
    group by s.kind, s.version_id;
end
$$;

comment on function progress.version_states() is
'A mark for each version: where it differs between two looks, the version''s numbers may have
changed in between.';

-- objects/views/versions.sql
create view progress.versions
with (security_invoker = true) as
select
    'audio'::text as kind,
    v.id as version_id,
    v.bible_version_id,
    v.language_entity_id,
    v.created_at,
    v.name
from public.audio_versions as v
where v.deleted_at is null
union all
select
    'text'::text as kind,
    v.id as version_id,
    v.bible_version_id,
    v.language_entity_id,
    v.created_at,
    v.name
from public.text_versions as v
where v.deleted_at is null;

comment on view progress.versions is
'Every version that is not deleted, audio and text alike.';

-- objects/views/canon_chapters.sql
create view progress.canon_chapters
with (security_invoker = true) as
select
    b.bible_version_id,
    b.id as book_id,
    b.book_number,
    c.id as chapter_id,
    c.chapter_number
from public.books as b
inner join public.chapters as c on b.id = c.book_id;

comment on view progress.canon_chapters is
'The chapters of each canon with the numbers that order them.';

-- objects/views/text_verse_coverage.sql
create view public.text_verse_coverage
with (security_invoker = true) as
select
    t.text_version_id,
    t.verse_id,
    c.chapter_id
from public.verse_texts as t
inner join public.text_versions as tv on t.text_version_id = tv.id
inner join public.verses as v on t.verse_id = v.id
inner join progress.canon_chapters as c
    on
        v.chapter_id = c.chapter_id
        and tv.bible_version_id = c.bible_version_id
where
    tv.deleted_at is null
    and progress.text_counts(t.verse_text, t.deleted_at);

comment on view public.text_verse_coverage is
'The verses that a text version has: one row for each verse of its own canon with text.';

-- objects/views/recordings.sql
create view progress.recordings
with (security_invoker = true) as
select
    f.id,
    f.audio_version_id,
    f.chapter_id,
    f.start_verse_id,
    coalesce(f.end_verse_id, f.start_verse_id) as end_verse_id,
    av.bible_version_id,
    f.duration_seconds
from public.media_files as f
inner join public.audio_versions as av on f.audio_version_id = av.id
where
    av.deleted_at is null
    and progress.media_counts(
        f.media_type::text,
        f.is_bible_audio,
        f.upload_status::text,
        f.publish_status::text,
        f.deleted_at
    );

comment on view progress.recordings is
'The media files that count: published Bible audio of versions that are not deleted.';

-- objects/views/recorded_verses.sql
-- A range runs in canon order: book, chapter, verse by their number columns; where two books or
-- two chapters share a number their ids decide. The two range arms differ only in speed: nearly
-- every range stays inside one chapter, and that case must not compare a range with every verse.
create view progress.recorded_verses
with (security_invoker = true) as
-- A whole chapter.
select
    r.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from progress.recordings as r
inner join progress.canon_chapters as c
    on
        r.chapter_id = c.chapter_id
        and r.bible_version_id = c.bible_version_id
inner join public.verses as v on c.chapter_id = v.chapter_id
where r.start_verse_id is null
union all
-- A range inside one chapter.
select
    r.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from progress.recordings as r
inner join public.verses as first_verse on r.start_verse_id = first_verse.id
inner join public.verses as last_verse
    on
        r.end_verse_id = last_verse.id
        and first_verse.chapter_id = last_verse.chapter_id
inner join progress.canon_chapters as c
    on
        first_verse.chapter_id = c.chapter_id
        and r.bible_version_id = c.bible_version_id
inner join public.verses as v
    on
        c.chapter_id = v.chapter_id
        and v.verse_number between first_verse.verse_number and last_verse.verse_number
union all
-- A range that crosses chapters.
select
    r.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from progress.recordings as r
inner join public.verses as first_verse on r.start_verse_id = first_verse.id
inner join public.verses as last_verse
    on
        r.end_verse_id = last_verse.id
        and first_verse.chapter_id <> last_verse.chapter_id
inner join progress.canon_chapters as first_chapter
    on
        first_verse.chapter_id = first_chapter.chapter_id
        and r.bible_version_id = first_chapter.bible_version_id
inner join progress.canon_chapters as last_chapter
    on
        last_verse.chapter_id = last_chapter.chapter_id
        and r.bible_version_id = last_chapter.bible_version_id
inner join progress.canon_chapters as c
    on
        r.bible_version_id = c.bible_version_id
        and (c.book_number, c.book_id, c.chapter_number, c.chapter_id)
        between (
            first_chapter.book_number,
            first_chapter.book_id,
            first_chapter.chapter_number,
            first_chapter.chapter_id
        )
        and (
            last_chapter.book_number,
            last_chapter.book_id,
            last_chapter.chapter_number,
            last_chapter.chapter_id
        )
inner join public.verses as v
    on
        c.chapter_id = v.chapter_id
        and (first_verse.chapter_id <> c.chapter_id or first_verse.verse_number <= v.verse_number)
        and (last_verse.chapter_id <> c.chapter_id or last_verse.verse_number >= v.verse_number)
-- Implied by the joins; said so that the index on start_verse_id passes over whole chapters.
where r.start_verse_id is not null;

comment on view progress.recorded_verses is
'The verses that recordings cover by their own columns, as whole chapters and verse ranges; a verse
once for each recording of it.';

-- objects/views/audio_verse_coverage.sql
create view public.audio_verse_coverage
with (security_invoker = true) as
select
    r.audio_version_id,
    r.verse_id,
    r.chapter_id
from progress.recorded_verses as r
union
-- Verses with timings of their own.
select
    r.audio_version_id,
    v.id as verse_id,
    v.chapter_id
from progress.recordings as r
inner join public.media_files_verses as t on r.id = t.media_file_id
inner join public.verses as v on t.verse_id = v.id
inner join progress.canon_chapters as c
    on
        v.chapter_id = c.chapter_id
        and r.bible_version_id = c.bible_version_id
where t.deleted_at is null;

comment on view public.audio_verse_coverage is
'The verses that an audio version has: by whole chapters, verse ranges and verse timings of its
published recordings, in its own canon.';

-- objects/views/live_verses.sql
create view progress.live_verses
with (security_invoker = true) as
select
    'audio'::text as kind,
    a.audio_version_id as version_id,
    a.verse_id,
    a.chapter_id
from public.audio_verse_coverage as a
union all
select
    'text'::text as kind,
    t.text_version_id as version_id,
    t.verse_id,
    t.chapter_id
from public.text_verse_coverage as t;

comment on view progress.live_verses is
'Covered verses from the base tables as they are now, audio and text alike.';

-- objects/views/live_chapters.sql
create view progress.live_chapters
with (security_invoker = true) as
select
    ver.kind,
    ver.version_id,
    c.book_id,
    c.chapter_id,
    coalesce(covered.verses, 0)::integer as covered_verses,
    coalesce(total.verses, 0)::integer as total_verses
from progress.versions as ver
inner join progress.canon_chapters as c on ver.bible_version_id = c.bible_version_id
left join (
    select
        v.chapter_id,
        count(*) as verses
    from public.verses as v
    group by v.chapter_id
) as total on c.chapter_id = total.chapter_id
left join (
    select
        l.kind,
        l.version_id,
        l.chapter_id,
        count(*) as verses
    from progress.live_verses as l
    group by l.kind, l.version_id, l.chapter_id
) as covered
    on
        ver.kind = covered.kind
        and ver.version_id = covered.version_id
        and c.chapter_id = covered.chapter_id;

comment on view progress.live_chapters is
'Covered and total verses of every chapter of every version, from the base tables as they are now.';

-- objects/views/live_bitmaps.sql
-- Verse timings are found among those of every version that has the chapter, so it pays to leave
-- them out where they add nothing: docs/decisions/0007-timings-that-add-nothing.md.
-- Verses are looked for in one list a chapter: as rows they would be sorted all at once.
create view progress.live_bitmaps
with (security_invoker = true) as
select
    chapter.reach,
    chapter.kind,
    chapter.version_id,
    chapter.chapter_id,
    (
        select
            string_agg(
                case when v.id = any(chapter.verse_ids) then '1' else '0' end,
                ''
                order by v.verse_number, v.id collate "C"
            )::bit varying
        from public.verses as v
        where v.chapter_id = chapter.chapter_id
    ) as covered
from (
    select
        c.reach,
        c.kind,
        c.version_id,
        c.chapter_id,
        array_agg(c.verse_id) as verse_ids
    from (
        select
            'all'::text as reach,
            l.kind,
            l.version_id,
            l.verse_id,
            l.chapter_id
        from progress.live_verses as l
        union all
        select
            'recordings'::text as reach,
            'audio'::text as kind,
            r.audio_version_id as version_id,
            r.verse_id,
            r.chapter_id
        from progress.recorded_verses as r
    ) as c
    group by c.reach, c.kind, c.version_id, c.chapter_id
) as chapter;

comment on view progress.live_bitmaps is
'What the stored bitmaps must be: one bit a verse of the chapter, for chapters with any coverage.
Reach `recordings` leaves verse timings out, which is the same where none adds a verse; `all` does
not.';

-- objects/views/rollup_chapters.sql
-- A chapter without a bitmap has nothing covered; its length comes from the canon itself, which
-- every snapshot sees as it is.
create view progress.rollup_chapters
with (security_invoker = true) as
select
    ver.kind,
    ver.version_id,
    c.book_id,
    c.chapter_id,
    coalesce(bit_count(b.covered), 0)::integer as covered_verses,
    case
        when b.covered is null
            then (
                select count(*)::integer
                from public.verses as v
                where v.chapter_id = c.chapter_id
            )
        else length(b.covered)
    end as total_verses
from progress.versions as ver
inner join progress.canon_chapters as c on ver.bible_version_id = c.bible_version_id
left join progress.chapter_bitmap as b
    on
        ver.kind = b.kind
        and ver.version_id = b.version_id
        and c.chapter_id = b.chapter_id;

comment on view progress.rollup_chapters is
'Covered and total verses of every chapter of every version, from the bitmaps.';

-- objects/functions/computed_verses.sql
-- Materialized views call this instead of naming our views, so that an upgrade can make those anew
-- under them. Inlined, hence no pinned search_path: fully qualified instead.
create or replace function progress.computed_verses(p_kind text)
returns table (
    version_id uuid, verse_id text, chapter_id text
)
language sql
stable
rows 10000
as $$
select l.version_id, l.verse_id::text, l.chapter_id::text
from progress.live_verses as l
where l.kind = p_kind
$$;

comment on function progress.computed_verses(text) is
'The verses of a kind as a refresh of materialized views computes them: from the base tables.';

-- objects/functions/computed_chapters.sql
-- Materialized views call this instead of naming our views, so that an upgrade can make those anew
-- under them. Inlined, hence no pinned search_path: fully qualified instead.
create or replace function progress.computed_chapters(p_kind text)
returns table (
    version_id uuid, chapter_id text, covered_verses integer, total_verses integer, book_id text
)
language sql
stable
rows 1200
as $$
select l.version_id, l.chapter_id::text, l.covered_verses, l.total_verses, l.book_id::text
from progress.live_chapters as l
where l.kind = p_kind
$$;

comment on function progress.computed_chapters(text) is
'The chapters of a kind as a refresh of materialized views computes them: from the base tables.';

-- objects/functions/computed_books.sql
-- Materialized views call this instead of naming our views, so that an upgrade can make those anew
-- under them. Inlined, hence no pinned search_path: fully qualified instead.
create or replace function progress.computed_books(p_kind text)
returns table (
    version_id uuid, book_id text, covered_verses integer, total_verses integer,
    chapters_with_any integer, complete_chapters integer, total_chapters integer
)
language sql
stable
rows 1000
as $$
select
    s.version_id,
    s.book_id::text,
    s.covered_verses,
    s.total_verses,
    s.chapters_with_any,
    s.complete_chapters,
    s.total_chapters
from progress.books_by_source as s
where s.source = 'stored' and s.kind = p_kind
$$;

comment on function progress.computed_books(text) is
'The books of a kind as a refresh of materialized views computes them: from the stored chapters.';

-- objects/functions/computed_versions.sql
-- Materialized views call this instead of naming our views, so that an upgrade can make those anew
-- under them. Inlined, hence no pinned search_path: fully qualified instead.
create or replace function progress.computed_versions(p_kind text)
returns table (
    kind text, version_id uuid, covered_verses integer, total_verses integer,
    chapters_with_any integer, complete_chapters integer, total_chapters integer,
    books_complete integer, total_books integer
)
language sql
stable
rows 100
as $$
select
    s.kind,
    s.version_id,
    s.covered_verses,
    s.total_verses,
    s.chapters_with_any,
    s.complete_chapters,
    s.total_chapters,
    s.books_complete,
    s.total_books
from progress.versions_by_source as s
where s.source = 'stored' and s.kind = p_kind
$$;

comment on function progress.computed_versions(text) is
'The versions of a kind as a refresh of materialized views computes them: from the stored books.';

-- objects/functions/computed_best_versions.sql
-- Materialized views call this instead of naming our views, so that an upgrade can make those anew
-- under them. Inlined, hence no pinned search_path: fully qualified instead.
create or replace function progress.computed_best_versions(p_kind text)
returns table (
    language_entity_id uuid, version_id uuid
)
language sql
stable
rows 100
as $$
select s.language_entity_id, s.version_id
from progress.best_versions_by_source as s
where s.source = 'stored' and s.kind = p_kind
$$;

comment on function progress.computed_best_versions(text) is
'The best versions of a kind as a refresh of materialized views computes them: from the stored
versions.';

-- steps 1
-- strategies/views/stored_verses.sql
-- steps 2 3 4
-- strategies/matview/mv_audio_verse_coverage.sql
create materialized view if not exists public.mv_audio_verse_coverage as
select
    s.version_id as audio_version_id,
    s.verse_id,
    s.chapter_id
from progress.computed_verses('audio') as s
with no data;

create unique index if not exists mv_audio_verse_coverage_key
on public.mv_audio_verse_coverage (audio_version_id, verse_id);

comment on materialized view public.mv_audio_verse_coverage is
'As of the last refresh: the verses that an audio version has.';
-- steps 3 4

-- strategies/matview/mv_audio_chapter_coverage.sql
create materialized view if not exists public.mv_audio_chapter_coverage as
select
    c.version_id as audio_version_id,
    c.chapter_id,
    c.covered_verses,
    c.total_verses,
    c.covered_verses > 0 as has_any,
    progress.is_complete(c.covered_verses, c.total_verses) as is_complete,
    c.book_id
from progress.computed_chapters('audio') as c
with no data;

create unique index if not exists mv_audio_chapter_coverage_key
on public.mv_audio_chapter_coverage (audio_version_id, chapter_id);

comment on materialized view public.mv_audio_chapter_coverage is
'As of the last refresh: every chapter of each audio version''s canon, zeros included.';

-- strategies/matview/mv_audio_book_coverage.sql
create materialized view if not exists public.mv_audio_book_coverage as
select
    b.version_id as audio_version_id,
    b.book_id,
    b.complete_chapters,
    b.total_chapters,
    progress.is_complete(b.complete_chapters, b.total_chapters) as is_complete,
    b.covered_verses,
    b.total_verses,
    b.chapters_with_any as chapters_with_audio
from progress.computed_books('audio') as b
with no data;

create unique index if not exists mv_audio_book_coverage_key
on public.mv_audio_book_coverage (audio_version_id, book_id);

comment on materialized view public.mv_audio_book_coverage is
'As of the last refresh: every book of each audio version''s canon, zeros included.';

-- strategies/matview/mv_audio_version_progress_summary.sql
create materialized view if not exists public.mv_audio_version_progress_summary as
select
    v.version_id as audio_version_id,
    v.covered_verses,
    v.total_verses,
    progress.fraction(v.covered_verses, v.total_verses) as verse_fraction,
    v.chapters_with_any as chapters_with_audio,
    v.total_chapters,
    progress.chapter_fraction(
        'audio'::text, v.chapters_with_any, v.complete_chapters, v.total_chapters
    ) as chapter_fraction,
    v.books_complete,
    v.total_books,
    progress.fraction(v.books_complete, v.total_books) as book_fraction,
    v.complete_chapters
from progress.computed_versions('audio') as v
with no data;

create unique index if not exists mv_audio_version_progress_summary_key
on public.mv_audio_version_progress_summary (audio_version_id);

comment on materialized view public.mv_audio_version_progress_summary is
'As of the last refresh: one row for each audio version that is not deleted.';
-- steps 2 3 4

-- strategies/matview/mv_text_verse_coverage.sql
create materialized view if not exists public.mv_text_verse_coverage as
select
    s.version_id as text_version_id,
    s.verse_id,
    s.chapter_id
from progress.computed_verses('text') as s
with no data;

create unique index if not exists mv_text_verse_coverage_key
on public.mv_text_verse_coverage (text_version_id, verse_id);

comment on materialized view public.mv_text_verse_coverage is
'As of the last refresh: the verses that a text version has.';

-- steps 3 4
-- strategies/matview/mv_text_chapter_coverage.sql
create materialized view if not exists public.mv_text_chapter_coverage as
select
    c.version_id as text_version_id,
    c.chapter_id,
    c.covered_verses as verses_with_text,
    c.total_verses,
    progress.is_complete(c.covered_verses, c.total_verses) as is_complete,
    c.book_id
from progress.computed_chapters('text') as c
with no data;

create unique index if not exists mv_text_chapter_coverage_key
on public.mv_text_chapter_coverage (text_version_id, chapter_id);

comment on materialized view public.mv_text_chapter_coverage is
'As of the last refresh: every chapter of each text version''s canon, zeros included.';

-- strategies/matview/mv_text_book_coverage.sql
create materialized view if not exists public.mv_text_book_coverage as
select
    b.version_id as text_version_id,
    b.book_id,
    b.complete_chapters,
    b.total_chapters,
    progress.is_complete(b.complete_chapters, b.total_chapters) as is_complete,
    b.covered_verses,
    b.total_verses,
    b.chapters_with_any as chapters_with_text
from progress.computed_books('text') as b
with no data;

create unique index if not exists mv_text_book_coverage_key
on public.mv_text_book_coverage (text_version_id, book_id);

comment on materialized view public.mv_text_book_coverage is
'As of the last refresh: every book of each text version''s canon, zeros included.';

-- strategies/matview/mv_text_version_progress_summary.sql
create materialized view if not exists public.mv_text_version_progress_summary as
select
    v.version_id as text_version_id,
    v.covered_verses,
    v.total_verses,
    progress.fraction(v.covered_verses, v.total_verses) as verse_fraction,
    v.complete_chapters,
    v.total_chapters,
    progress.chapter_fraction(
        'text'::text, v.chapters_with_any, v.complete_chapters, v.total_chapters
    ) as chapter_fraction,
    v.books_complete,
    v.total_books,
    progress.fraction(v.books_complete, v.total_books) as book_fraction,
    v.chapters_with_any as chapters_with_text
from progress.computed_versions('text') as v
with no data;

create unique index if not exists mv_text_version_progress_summary_key
on public.mv_text_version_progress_summary (text_version_id);

comment on materialized view public.mv_text_version_progress_summary is
'As of the last refresh: one row for each text version that is not deleted.';

-- strategies/matview/mv_language_entity_best_audio_version.sql
create materialized view if not exists public.mv_language_entity_best_audio_version as
select
    b.language_entity_id,
    b.version_id as audio_version_id
from progress.computed_best_versions('audio') as b
with no data;

create unique index if not exists mv_language_entity_best_audio_version_key
on public.mv_language_entity_best_audio_version (language_entity_id);

comment on materialized view public.mv_language_entity_best_audio_version is
'As of the last refresh: the best audio version of each language that has any.';

-- strategies/matview/mv_language_entity_best_text_version.sql
create materialized view if not exists public.mv_language_entity_best_text_version as
select
    b.language_entity_id,
    b.version_id as text_version_id
from progress.computed_best_versions('text') as b
with no data;

create unique index if not exists mv_language_entity_best_text_version_key
on public.mv_language_entity_best_text_version (language_entity_id);

comment on materialized view public.mv_language_entity_best_text_version is
'As of the last refresh: the best text version of each language that has any.';

-- steps 2 3 4
-- strategies/matview/stored_verses.sql
-- steps 5
-- strategies/incremental/stored_verses.sql
-- The join with `verse` looks needless and is what makes (version, verse) an index look-up: it
-- hands the verse's chapter to the bitmap's key. One list a chapter numbers its verses; numbering
-- them as rows would be joined anew for each.
-- steps 1 2 3 4 5
create view progress.stored_verses
with (security_invoker = true) as
select
-- steps 1
    l.kind,
    l.version_id,
    l.verse_id,
    l.chapter_id
from progress.live_verses as l;
-- steps 2 3 4
    'audio'::text as kind,
    m.audio_version_id as version_id,
    m.verse_id,
    m.chapter_id
from public.mv_audio_verse_coverage as m
union all
select
    'text'::text as kind,
    m.text_version_id as version_id,
    m.verse_id,
    m.chapter_id
from public.mv_text_verse_coverage as m;
-- steps 5
    b.kind,
    b.version_id,
    verse.id as verse_id,
    verse.chapter_id
from progress.chapter_bitmap as b
inner join lateral (
    select array_agg(v.id order by v.verse_number, v.id collate "C") as verse_ids
    from public.verses as v
    where v.chapter_id = b.chapter_id
) as chapter on true
inner join public.verses as verse on b.chapter_id = verse.chapter_id
where
    -- Who does not see every verse of a chapter cannot tell which is which, and gets none.
    case
        when cardinality(chapter.verse_ids) = length(b.covered)
            then get_bit(b.covered, array_position(chapter.verse_ids, verse.id) - 1) = 1
        else false
    end;
-- steps 1 2 3 4 5

comment on view progress.stored_verses is
-- steps 1
'Nothing is stored at this level: the covered verses as the base tables say.';
-- steps 2 3 4
'Covered verses from the materialized views, audio and text alike.';
-- steps 5
'Covered verses from the bitmaps, audio and text alike.';
-- steps 1 2 3 4 5

-- steps 1 2
-- strategies/views/stored_chapters.sql
-- steps 3 4
-- strategies/matview/stored_chapters.sql
-- steps 5
-- strategies/incremental/stored_chapters.sql
-- steps 1 2 3 4 5
create view progress.stored_chapters
with (security_invoker = true) as
select
-- steps 1 2
    l.kind,
    l.version_id,
    l.book_id,
    l.chapter_id,
    l.covered_verses,
    l.total_verses
from progress.live_chapters as l;
-- steps 3 4
    'audio'::text as kind,
    m.audio_version_id as version_id,
    m.book_id,
    m.chapter_id,
    m.covered_verses,
    m.total_verses
from public.mv_audio_chapter_coverage as m
union all
select
    'text'::text as kind,
    m.text_version_id as version_id,
    m.book_id,
    m.chapter_id,
    m.verses_with_text as covered_verses,
    m.total_verses
from public.mv_text_chapter_coverage as m;
-- steps 5
    r.kind,
    r.version_id,
    r.book_id,
    r.chapter_id,
    r.covered_verses,
    r.total_verses
from progress.rollup_chapters as r;
-- steps 1 2 3 4 5

comment on view progress.stored_chapters is
-- steps 1 2
'Nothing is stored at this level: the chapters as the base tables say.';
-- steps 3 4
'The chapters of every version, from the materialized views.';
-- steps 5
'The chapters of every version, from the bitmaps.';
-- steps 1 2 3 4 5

-- objects/views/chapters_by_source.sql
create view progress.chapters_by_source
with (security_invoker = true) as
select
    'live'::text as source,
    l.kind,
    l.version_id,
    l.book_id,
    l.chapter_id,
    l.covered_verses,
    l.total_verses
from progress.live_chapters as l
union all
select
    'rollup'::text as source,
    r.kind,
    r.version_id,
    r.book_id,
    r.chapter_id,
    r.covered_verses,
    r.total_verses
from progress.rollup_chapters as r
union all
select
    'stored'::text as source,
    s.kind,
    s.version_id,
    s.book_id,
    s.chapter_id,
    s.covered_verses,
    s.total_verses
from progress.stored_chapters as s
union all
select
    'exact'::text as source,
    v.kind,
    v.version_id,
    e.book_id,
    e.chapter_id,
    e.covered_verses,
    e.total_verses
from progress.versions as v
inner join public.books as b on v.bible_version_id = b.bible_version_id
cross join lateral progress.exact_chapters(v.kind, v.version_id, b.id) as e;

comment on view progress.chapters_by_source is
'Chapters live, rolled up, stored or exact, so that the arithmetic above them is written once for
all.';

-- objects/views/books_by_source.sql
create view progress.books_by_source
with (security_invoker = true) as
select
    source.name as source,
    ver.kind,
    ver.version_id,
    b.id as book_id,
    coalesce(sum(c.covered_verses), 0)::integer as covered_verses,
    coalesce(sum(c.total_verses), 0)::integer as total_verses,
    count(*) filter (where c.covered_verses > 0)::integer as chapters_with_any,
    count(*) filter (
        where progress.is_complete(c.covered_verses, c.total_verses)
    )::integer as complete_chapters,
    count(c.chapter_id)::integer as total_chapters
from progress.versions as ver
cross join (values ('live'), ('rollup'), ('stored'), ('exact')) as source (name)
inner join public.books as b on ver.bible_version_id = b.bible_version_id
left join progress.chapters_by_source as c
    on
        source.name = c.source
        and ver.kind = c.kind
        and ver.version_id = c.version_id
        and b.id = c.book_id
group by source.name, ver.kind, ver.version_id, b.id;

comment on view progress.books_by_source is
'Every book of every version, summed from its chapters: the definition of the book level.';

-- objects/views/stale_books.sql
create view progress.stale_books
with (security_invoker = true) as
select
    n.kind,
    n.version_id,
    n.book_id,
    n.covered_verses,
    n.total_verses,
    n.chapters_with_any,
    n.complete_chapters,
    n.total_chapters
from progress.books_by_source as n
left join progress.book_rollup as o
    on
        n.kind = o.kind
        and n.version_id = o.version_id
        and n.book_id = o.book_id
where
    n.source = 'rollup'
    and (
        n.covered_verses,
        n.total_verses,
        n.chapters_with_any,
        n.complete_chapters,
        n.total_chapters
    ) is distinct from (
        o.covered_verses,
        o.total_verses,
        o.chapters_with_any,
        o.complete_chapters,
        o.total_chapters
    );

comment on view progress.stale_books is
'The books whose stored rollup is not the sum of their stored chapters, with that sum.';

-- steps 1 2
-- strategies/views/stored_books.sql
-- steps 3 4
-- strategies/matview/stored_books.sql
-- steps 5
-- strategies/incremental/stored_books.sql
-- steps 1 2 3 4 5
create view progress.stored_books
with (security_invoker = true) as
select
-- steps 1 2
    l.kind,
    l.version_id,
    l.book_id,
    l.covered_verses,
    l.total_verses,
    l.chapters_with_any,
    l.complete_chapters,
    l.total_chapters
from progress.books_by_source as l
where l.source = 'live';
-- steps 3 4
    'audio'::text as kind,
    m.audio_version_id as version_id,
    m.book_id,
    m.covered_verses,
    m.total_verses,
    m.chapters_with_audio as chapters_with_any,
    m.complete_chapters,
    m.total_chapters
from public.mv_audio_book_coverage as m
union all
select
    'text'::text as kind,
    m.text_version_id as version_id,
    m.book_id,
    m.covered_verses,
    m.total_verses,
    m.chapters_with_text as chapters_with_any,
    m.complete_chapters,
    m.total_chapters
from public.mv_text_book_coverage as m;
-- steps 5
    r.kind,
    r.version_id,
    r.book_id,
    r.covered_verses,
    r.total_verses,
    r.chapters_with_any,
    r.complete_chapters,
    r.total_chapters
from progress.book_rollup as r;
-- steps 1 2 3 4 5

comment on view progress.stored_books is
-- steps 1 2
'Nothing is stored at this level: the books as the base tables say.';
-- steps 3 4
'The books of every version, from the materialized views.';
-- steps 5
'The books of every version, from the rollups.';
-- steps 1 2 3 4 5

-- objects/views/versions_by_source.sql
create view progress.versions_by_source
with (security_invoker = true) as
select
    source.name as source,
    ver.kind,
    ver.version_id,
    coalesce(sum(b.covered_verses), 0)::integer as covered_verses,
    coalesce(sum(b.total_verses), 0)::integer as total_verses,
    coalesce(sum(b.chapters_with_any), 0)::integer as chapters_with_any,
    coalesce(sum(b.complete_chapters), 0)::integer as complete_chapters,
    coalesce(sum(b.total_chapters), 0)::integer as total_chapters,
    count(*) filter (
        where progress.is_complete(b.complete_chapters, b.total_chapters)
    )::integer as books_complete,
    count(b.book_id)::integer as total_books
from progress.versions as ver
cross join (values ('live'), ('rollup'), ('stored'), ('exact')) as source (name)
left join (
    select
        l.source,
        l.kind,
        l.version_id,
        l.book_id,
        l.covered_verses,
        l.total_verses,
        l.chapters_with_any,
        l.complete_chapters,
        l.total_chapters
    from progress.books_by_source as l
    where l.source = 'live'
    union all
    select
        'rollup'::text as source,
        r.kind,
        r.version_id,
        r.book_id,
        r.covered_verses,
        r.total_verses,
        r.chapters_with_any,
        r.complete_chapters,
        r.total_chapters
    from progress.book_rollup as r
    union all
    select
        'stored'::text as source,
        s.kind,
        s.version_id,
        s.book_id,
        s.covered_verses,
        s.total_verses,
        s.chapters_with_any,
        s.complete_chapters,
        s.total_chapters
    from progress.stored_books as s
    union all
    select
        'exact'::text as source,
        v.kind,
        v.version_id,
        e.book_id,
        e.covered_verses,
        e.total_verses,
        e.chapters_with_any,
        e.complete_chapters,
        e.total_chapters
    from progress.versions as v
    cross join lateral progress.exact_books(v.kind, v.version_id) as e
) as b
    on
        source.name = b.source
        and ver.kind = b.kind
        and ver.version_id = b.version_id
group by source.name, ver.kind, ver.version_id;

comment on view progress.versions_by_source is
'Every version, summed from its books: the definition of the version level.';

-- steps 1 2
-- strategies/views/stored_versions.sql
-- steps 3 4
-- strategies/matview/stored_versions.sql
-- steps 5
-- strategies/incremental/stored_versions.sql
-- steps 1 2 3 4 5
create view progress.stored_versions
with (security_invoker = true) as
select
-- steps 1 2
    l.kind,
    l.version_id,
    l.covered_verses,
    l.total_verses,
    l.chapters_with_any,
    l.complete_chapters,
    l.total_chapters,
    l.books_complete,
    l.total_books,
-- steps 3 4
    'audio'::text as kind,
    m.audio_version_id as version_id,
    m.covered_verses,
    m.total_verses,
    m.chapters_with_audio as chapters_with_any,
    m.complete_chapters,
    m.total_chapters,
    m.books_complete,
    m.total_books,
-- steps 1 2 3 4
    null::timestamptz as refreshed_at
-- steps 1 2
from progress.versions_by_source as l
where l.source = 'live';
-- steps 3 4
from public.mv_audio_version_progress_summary as m
union all
select
    'text'::text as kind,
    m.text_version_id as version_id,
    m.covered_verses,
    m.total_verses,
    m.chapters_with_text as chapters_with_any,
    m.complete_chapters,
    m.total_chapters,
    m.books_complete,
    m.total_books,
    null::timestamptz as refreshed_at
from public.mv_text_version_progress_summary as m;
-- steps 5
    r.kind,
    r.version_id,
    r.covered_verses,
    r.total_verses,
    r.chapters_with_any,
    r.complete_chapters,
    r.total_chapters,
    r.books_complete,
    r.total_books,
    r.refreshed_at
from progress.version_rollup as r;
-- steps 1 2 3 4 5

comment on view progress.stored_versions is
-- steps 1 2
'Nothing is stored at this level: the versions as the base tables say.';
-- steps 3 4
'Every version, from the materialized views.';
-- steps 5
'Every version, from the rollups.';
-- steps 1 2 3 4 5

-- objects/views/best_versions_by_source.sql
create view progress.best_versions_by_source
with (security_invoker = true) as
select distinct on (s.source, ver.kind, ver.language_entity_id)
    s.source,
    ver.kind,
    ver.language_entity_id,
    ver.version_id
from progress.versions as ver
inner join (
    select
        l.source,
        l.kind,
        l.version_id,
        l.covered_verses,
        l.total_verses,
        l.chapters_with_any,
        l.complete_chapters,
        l.total_chapters,
        l.books_complete,
        l.total_books
    from progress.versions_by_source as l
    where l.source = 'live'
    union all
    select
        'stored'::text as source,
        r.kind,
        r.version_id,
        r.covered_verses,
        r.total_verses,
        r.chapters_with_any,
        r.complete_chapters,
        r.total_chapters,
        r.books_complete,
        r.total_books
    from progress.stored_versions as r
    union all
    select
        'exact'::text as source,
        v.kind,
        v.version_id,
        e.covered_verses,
        e.total_verses,
        e.chapters_with_any,
        e.complete_chapters,
        e.total_chapters,
        e.books_complete,
        e.total_books
    from progress.versions as v
    cross join lateral progress.exact_version(v.kind, v.version_id) as e
) as s on ver.kind = s.kind and ver.version_id = s.version_id
where s.covered_verses > 0
order by
    s.source asc,
    ver.kind asc,
    ver.language_entity_id asc,
    progress.rank(
        ver.kind,
        s.covered_verses,
        s.total_verses,
        s.chapters_with_any,
        s.complete_chapters,
        s.total_chapters,
        s.books_complete,
        s.total_books,
        ver.created_at
    ) desc,
    ver.version_id asc;

comment on view progress.best_versions_by_source is
'The best version of each language: most covered verses, then verse, chapter and book fraction,
then the newest, then the id. A version that covers nothing is never best.';

-- objects/views/audio_chapter_coverage.sql
create view public.audio_chapter_coverage
with (security_invoker = true) as
select
    c.version_id as audio_version_id,
    c.chapter_id,
    c.covered_verses,
    c.total_verses,
    c.covered_verses > 0 as has_any,
    progress.is_complete(c.covered_verses, c.total_verses) as is_complete,
    c.book_id
from progress.live_chapters as c
where c.kind = 'audio';

comment on view public.audio_chapter_coverage is
'From the base tables as they are now: every chapter of each audio version''s canon, zeros
included.';

-- objects/views/audio_book_coverage.sql
create view public.audio_book_coverage
with (security_invoker = true) as
select
    b.version_id as audio_version_id,
    b.book_id,
    b.complete_chapters,
    b.total_chapters,
    progress.is_complete(b.complete_chapters, b.total_chapters) as is_complete,
    b.covered_verses,
    b.total_verses,
    b.chapters_with_any as chapters_with_audio
from progress.books_by_source as b
where
    b.source = 'live'
    and b.kind = 'audio';

comment on view public.audio_book_coverage is
'From the base tables as they are now: every book of each audio version''s canon, zeros included.';

-- objects/views/audio_version_progress_summary.sql
create view public.audio_version_progress_summary
with (security_invoker = true) as
select
    v.version_id as audio_version_id,
    v.covered_verses,
    v.total_verses,
    progress.fraction(v.covered_verses, v.total_verses) as verse_fraction,
    v.chapters_with_any as chapters_with_audio,
    v.total_chapters,
    progress.chapter_fraction(
        v.kind, v.chapters_with_any, v.complete_chapters, v.total_chapters
    ) as chapter_fraction,
    v.books_complete,
    v.total_books,
    progress.fraction(v.books_complete, v.total_books) as book_fraction,
    v.complete_chapters
from progress.versions_by_source as v
where
    v.source = 'live'
    and v.kind = 'audio';

comment on view public.audio_version_progress_summary is
'From the base tables as they are now: one row for each audio version that is not deleted.';

-- objects/views/text_chapter_coverage.sql
create view public.text_chapter_coverage
with (security_invoker = true) as
select
    c.version_id as text_version_id,
    c.chapter_id,
    c.covered_verses as verses_with_text,
    c.total_verses,
    progress.is_complete(c.covered_verses, c.total_verses) as is_complete,
    c.book_id
from progress.live_chapters as c
where c.kind = 'text';

comment on view public.text_chapter_coverage is
'From the base tables as they are now: every chapter of each text version''s canon, zeros
included.';

-- objects/views/text_book_coverage.sql
create view public.text_book_coverage
with (security_invoker = true) as
select
    b.version_id as text_version_id,
    b.book_id,
    b.complete_chapters,
    b.total_chapters,
    progress.is_complete(b.complete_chapters, b.total_chapters) as is_complete,
    b.covered_verses,
    b.total_verses,
    b.chapters_with_any as chapters_with_text
from progress.books_by_source as b
where
    b.source = 'live'
    and b.kind = 'text';

comment on view public.text_book_coverage is
'From the base tables as they are now: every book of each text version''s canon, zeros included.';

-- objects/views/text_version_progress_summary.sql
create view public.text_version_progress_summary
with (security_invoker = true) as
select
    v.version_id as text_version_id,
    v.covered_verses,
    v.total_verses,
    progress.fraction(v.covered_verses, v.total_verses) as verse_fraction,
    v.complete_chapters,
    v.total_chapters,
    progress.chapter_fraction(
        v.kind, v.chapters_with_any, v.complete_chapters, v.total_chapters
    ) as chapter_fraction,
    v.books_complete,
    v.total_books,
    progress.fraction(v.books_complete, v.total_books) as book_fraction,
    v.chapters_with_any as chapters_with_text
from progress.versions_by_source as v
where
    v.source = 'live'
    and v.kind = 'text';

comment on view public.text_version_progress_summary is
'From the base tables as they are now: one row for each text version that is not deleted.';

-- objects/views/language_entity_best_audio_version.sql
create view public.language_entity_best_audio_version
with (security_invoker = true) as
select
    b.language_entity_id,
    b.version_id as audio_version_id
from progress.best_versions_by_source as b
where
    b.source = 'live'
    and b.kind = 'audio';

comment on view public.language_entity_best_audio_version is
'From the base tables as they are now: the best audio version of each language that has any.';

-- objects/views/language_entity_best_text_version.sql
create view public.language_entity_best_text_version
with (security_invoker = true) as
select
    b.language_entity_id,
    b.version_id as text_version_id
from progress.best_versions_by_source as b
where
    b.source = 'live'
    and b.kind = 'text';

comment on view public.language_entity_best_text_version is
'From the base tables as they are now: the best text version of each language that has any.';
-- steps 5

-- strategies/incremental/mv_audio_verse_coverage.sql
create view public.mv_audio_verse_coverage
with (security_invoker = true) as
select
    s.version_id as audio_version_id,
    s.verse_id,
    s.chapter_id
from progress.stored_verses as s
where s.kind = 'audio';

comment on view public.mv_audio_verse_coverage is
'Stored: the verses that an audio version has.';

-- strategies/incremental/mv_audio_chapter_coverage.sql
create view public.mv_audio_chapter_coverage
with (security_invoker = true) as
select
    c.version_id as audio_version_id,
    c.chapter_id,
    c.covered_verses,
    c.total_verses,
    c.covered_verses > 0 as has_any,
    progress.is_complete(c.covered_verses, c.total_verses) as is_complete,
    c.book_id
from progress.stored_chapters as c
where c.kind = 'audio';

comment on view public.mv_audio_chapter_coverage is
'Stored: every chapter of each audio version''s canon, zeros included.';

-- strategies/incremental/mv_audio_book_coverage.sql
create view public.mv_audio_book_coverage
with (security_invoker = true) as
select
    b.version_id as audio_version_id,
    b.book_id,
    b.complete_chapters,
    b.total_chapters,
    progress.is_complete(b.complete_chapters, b.total_chapters) as is_complete,
    b.covered_verses,
    b.total_verses,
    b.chapters_with_any as chapters_with_audio
from progress.book_rollup as b
where b.kind = 'audio';

comment on view public.mv_audio_book_coverage is
'Stored: every book of each audio version''s canon, zeros included.';

-- strategies/incremental/mv_audio_version_progress_summary.sql
create view public.mv_audio_version_progress_summary
with (security_invoker = true) as
select
    v.version_id as audio_version_id,
    v.covered_verses,
    v.total_verses,
    progress.fraction(v.covered_verses, v.total_verses) as verse_fraction,
    v.chapters_with_any as chapters_with_audio,
    v.total_chapters,
    progress.chapter_fraction(
        v.kind, v.chapters_with_any, v.complete_chapters, v.total_chapters
    ) as chapter_fraction,
    v.books_complete,
    v.total_books,
    progress.fraction(v.books_complete, v.total_books) as book_fraction,
    v.complete_chapters
from progress.version_rollup as v
where v.kind = 'audio';

comment on view public.mv_audio_version_progress_summary is
'Stored: one row for each audio version that is not deleted.';

-- strategies/incremental/mv_text_verse_coverage.sql
create view public.mv_text_verse_coverage
with (security_invoker = true) as
select
    s.version_id as text_version_id,
    s.verse_id,
    s.chapter_id
from progress.stored_verses as s
where s.kind = 'text';

comment on view public.mv_text_verse_coverage is
'Stored: the verses that a text version has.';

-- strategies/incremental/mv_text_chapter_coverage.sql
create view public.mv_text_chapter_coverage
with (security_invoker = true) as
select
    c.version_id as text_version_id,
    c.chapter_id,
    c.covered_verses as verses_with_text,
    c.total_verses,
    progress.is_complete(c.covered_verses, c.total_verses) as is_complete,
    c.book_id
from progress.stored_chapters as c
where c.kind = 'text';

comment on view public.mv_text_chapter_coverage is
'Stored: every chapter of each text version''s canon, zeros included.';

-- strategies/incremental/mv_text_book_coverage.sql
create view public.mv_text_book_coverage
with (security_invoker = true) as
select
    b.version_id as text_version_id,
    b.book_id,
    b.complete_chapters,
    b.total_chapters,
    progress.is_complete(b.complete_chapters, b.total_chapters) as is_complete,
    b.covered_verses,
    b.total_verses,
    b.chapters_with_any as chapters_with_text
from progress.book_rollup as b
where b.kind = 'text';

comment on view public.mv_text_book_coverage is
'Stored: every book of each text version''s canon, zeros included.';

-- strategies/incremental/mv_text_version_progress_summary.sql
create view public.mv_text_version_progress_summary
with (security_invoker = true) as
select
    v.version_id as text_version_id,
    v.covered_verses,
    v.total_verses,
    progress.fraction(v.covered_verses, v.total_verses) as verse_fraction,
    v.complete_chapters,
    v.total_chapters,
    progress.chapter_fraction(
        v.kind, v.chapters_with_any, v.complete_chapters, v.total_chapters
    ) as chapter_fraction,
    v.books_complete,
    v.total_books,
    progress.fraction(v.books_complete, v.total_books) as book_fraction,
    v.chapters_with_any as chapters_with_text
from progress.version_rollup as v
where v.kind = 'text';

comment on view public.mv_text_version_progress_summary is
'Stored: one row for each text version that is not deleted.';

-- strategies/incremental/mv_language_entity_best_audio_version.sql
create view public.mv_language_entity_best_audio_version
with (security_invoker = true) as
select
    b.language_entity_id,
    b.version_id as audio_version_id
from progress.best_versions_by_source as b
where
    b.source = 'stored'
    and b.kind = 'audio';

comment on view public.mv_language_entity_best_audio_version is
'Stored: the best audio version of each language that has any.';

-- strategies/incremental/mv_language_entity_best_text_version.sql
create view public.mv_language_entity_best_text_version
with (security_invoker = true) as
select
    b.language_entity_id,
    b.version_id as text_version_id
from progress.best_versions_by_source as b
where
    b.source = 'stored'
    and b.kind = 'text';

comment on view public.mv_language_entity_best_text_version is
'Stored: the best text version of each language that has any.';
-- steps 1 2 3 4 5

-- objects/functions/exact_best_version.sql
-- Stable, so every statement here sees the snapshot of the query that calls it. Planned once a
-- session: planning these views costs far more than running them.
create or replace function progress.exact_best_version(
    p_kind text, p_language_entity_id uuid, p_stored boolean default false
)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
-- A language has few versions and their rows are in memory: looking them up beats a scan of all.
set random_page_cost = 1.1
as $$
begin
    if not p_stored and exists (
        select
        from progress.versions as v
        inner join progress.dirty as d on v.kind = d.kind and v.version_id = d.version_id
        where v.kind = p_kind and v.language_entity_id = p_language_entity_id
    ) then
        return (
            select b.version_id
            from progress.best_versions_by_source as b
            where
                b.source = 'exact'
                and b.kind = p_kind
                and b.language_entity_id = p_language_entity_id
        );
    end if;
    -- As best_versions_by_source has it, whose other sources would be opened here too.
    return (
        select v.version_id
        from progress.versions as v
        inner join progress.stored_versions as s
            on v.kind = s.kind and v.version_id = s.version_id
        where
            v.kind = p_kind
            and v.language_entity_id = p_language_entity_id
            and s.covered_verses > 0
        order by
            progress.rank(
                v.kind,
                s.covered_verses,
                s.total_verses,
                s.chapters_with_any,
                s.complete_chapters,
                s.total_chapters,
                s.books_complete,
                s.total_books,
                v.created_at
            ) desc,
            v.version_id asc
        limit 1
    );
end
$$;

comment on function progress.exact_best_version(text, uuid, boolean) is
'The best version of a language as the base tables say in this snapshot; NULL where none covers
anything. With p_stored, as last drained.';

-- objects/views/levels.sql
create view progress.levels
with (security_invoker = true) as
select
    l.position,
    l.level,
    l.kind,
    l.stored,
    l.live,
    l.key_column
from (
    values
    (
        1, 'verse', 'audio', 'public.mv_audio_verse_coverage',
        'public.audio_verse_coverage', 'audio_version_id'
    ),
    (
        2, 'chapter', 'audio', 'public.mv_audio_chapter_coverage',
        'public.audio_chapter_coverage', 'audio_version_id'
    ),
    (
        3, 'book', 'audio', 'public.mv_audio_book_coverage',
        'public.audio_book_coverage', 'audio_version_id'
    ),
    (
        4, 'version', 'audio', 'public.mv_audio_version_progress_summary',
        'public.audio_version_progress_summary', 'audio_version_id'
    ),
    (
        5, 'language', 'audio', 'public.mv_language_entity_best_audio_version',
        'public.language_entity_best_audio_version', 'language_entity_id'
    ),
    (
        1, 'verse', 'text', 'public.mv_text_verse_coverage',
        'public.text_verse_coverage', 'text_version_id'
    ),
    (
        2, 'chapter', 'text', 'public.mv_text_chapter_coverage',
        'public.text_chapter_coverage', 'text_version_id'
    ),
    (
        3, 'book', 'text', 'public.mv_text_book_coverage',
        'public.text_book_coverage', 'text_version_id'
    ),
    (
        4, 'version', 'text', 'public.mv_text_version_progress_summary',
        'public.text_version_progress_summary', 'text_version_id'
    ),
    (
        5, 'language', 'text', 'public.mv_language_entity_best_text_version',
        'public.language_entity_best_text_version', 'language_entity_id'
    )
) as l (position, level, kind, stored, live, key_column);

comment on view progress.levels is
'The one list of what is stored, and what it must equal; audits and tests go through it.';

-- objects/views/relationships.sql
-- What belongs to what: a version has its levels, a level the next one below and its place in the
-- canon. Everything else that knows of a relationship asks here: the functions that
-- relationships.sql makes, the rights on them, the reference.
create view progress.relationships
with (security_invoker = true) as
select
    format(r.source, k.kind, s.prefix) as source,
    format(r.target, k.kind, s.prefix) as target,
    string_to_array(format(r.source_columns, k.kind), ' ') as source_columns,
    string_to_array(format(r.target_columns, k.kind), ' ') as target_columns,
    r.is_one
from (
    values
    ('%1$s_versions', '%2$s%1$s_version_progress_summary', 'id', '%1$s_version_id', true),
    ('%1$s_versions', '%2$s%1$s_book_coverage', 'id', '%1$s_version_id', false),
    ('%1$s_versions', '%2$s%1$s_chapter_coverage', 'id', '%1$s_version_id', false),
    ('%1$s_versions', '%2$s%1$s_verse_coverage', 'id', '%1$s_version_id', false),
    ('%2$s%1$s_version_progress_summary', '%1$s_versions', '%1$s_version_id', 'id', true),
    (
        '%2$s%1$s_version_progress_summary', '%2$s%1$s_book_coverage',
        '%1$s_version_id', '%1$s_version_id', false
    ),
    (
        '%2$s%1$s_version_progress_summary', '%2$s%1$s_chapter_coverage',
        '%1$s_version_id', '%1$s_version_id', false
    ),
    ('%2$s%1$s_book_coverage', 'books', 'book_id', 'id', true),
    (
        '%2$s%1$s_book_coverage', '%2$s%1$s_chapter_coverage',
        '%1$s_version_id book_id', '%1$s_version_id book_id', false
    ),
    ('%2$s%1$s_chapter_coverage', 'chapters', 'chapter_id', 'id', true),
    (
        '%2$s%1$s_chapter_coverage', '%2$s%1$s_verse_coverage',
        '%1$s_version_id chapter_id', '%1$s_version_id chapter_id', false
    ),
    ('%2$s%1$s_verse_coverage', 'verses', 'verse_id', 'id', true),
    (
        'language_entities', '%2$slanguage_entity_best_%1$s_version',
        'id', 'language_entity_id', true
    ),
    ('%2$slanguage_entity_best_%1$s_version', '%1$s_versions', '%1$s_version_id', 'id', true)
) as r (source, target, source_columns, target_columns, is_one)
cross join (values ('audio'), ('text')) as k (kind)
cross join (values (''), ('mv_')) as s (prefix);

comment on view progress.relationships is
'What PostgREST can embed in what: rows of target belong to a row of source where the columns are
equal; is_one, at most one of them.';

-- objects/functions/is_filled.sql
-- Of both kinds: a plan that names the materialized views of one opens those of the other too.
create or replace function progress.is_filled()
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
select bool_and(c.oid is not null and c.relispopulated)
from progress.levels as l
left join pg_catalog.pg_class as c on to_regclass(l.stored) = c.oid
$$;

comment on function progress.is_filled() is
'Whether the stored relation of every level is there and can be read.';

-- objects/views/signalled.sql
create view progress.signalled
with (security_invoker = true) as
select
    q.kind,
    q.version_id,
    q.chapter_id,
    q.enqueued_at
from public.progress_refresh_queue as q
union all
select
    d.kind,
    d.version_id,
    d.chapter_id,
    d.enqueued_at
from public.progress_refresh_dead_letter as d
union all
select
    ver.kind,
    ver.version_id,
    u.chapter_id,
    u.enqueued_at
from progress.unsettled_change as u
inner join progress.versions as ver
    on
        u.media_file_id is null
        and ver.bible_version_id = coalesce(u.bible_version_id, ver.bible_version_id)
union all
select
    'audio'::text as kind,
    f.audio_version_id as version_id,
    null::text as chapter_id,
    u.enqueued_at
from progress.unsettled_change as u
inner join public.media_files as f on u.media_file_id = f.id
where f.audio_version_id is not null;

comment on view progress.signalled is
'The chapters that a change may have touched since they were last refreshed; chapter NULL: the whole
version.';

-- objects/views/dirty.sql
-- A snapshot from before a change of strategy sees the old one in the settings; what the new one
-- stores says nothing about that snapshot.
create view progress.dirty
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

comment on view progress.dirty is
'The chapters whose stored numbers may differ from the base tables; chapter NULL: the whole
version. What is not listed here is exact. Where no triggers signal, or nothing is stored, that is
every version.';

-- objects/functions/drift.sql
-- Stable, so both sides of every comparison see the snapshot of the query that calls it. Names in
-- the statements come from progress.levels, values as parameters.
create or replace function progress.drift(
    p_kind text, p_version_id uuid, p_even_if_dirty boolean default false
)
returns table (level text, side text, difference jsonb)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_level progress.levels;
begin
    if not p_even_if_dirty and exists (
        select from progress.dirty as d where d.kind = p_kind and d.version_id = p_version_id
    ) then
        return;
    end if;

    for v_level in
        select l.*
        from progress.levels as l
        where
            l.kind = p_kind and l.level <> 'language' and to_regclass(l.stored) is not null
    loop
        return query execute format(
            'with stored as (select * from %1$s where %3$s = $1),'
            ' live as (select * from %2$s where %3$s = $1)'
            ' select $2, ''stored'', to_jsonb(d) from (table stored except all table live) as d'
            ' union all'
            ' select $2, ''live'', to_jsonb(d) from (table live except all table stored) as d',
            v_level.stored, v_level.live, v_level.key_column
        ) using p_version_id, v_level.level;
    end loop;
end
$$;

comment on function progress.drift(text, uuid, boolean) is
'Rows by which the stored numbers of a version differ from the live ones, at every level. Empty for
a dirty version, whose numbers may differ, unless p_even_if_dirty.';

-- objects/functions/is_dirty.sql
create or replace function progress.is_dirty(p_kind text, p_version_id uuid)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (progress.are_dirty(array[p_kind], array[p_version_id]))[1];
end
$$;

comment on function progress.is_dirty(text, uuid) is
'Whether the stored numbers of a version may differ from the base tables in this snapshot.';

-- objects/functions/auditable_versions.sql
create or replace function progress.auditable_versions(p_sample integer default null)
returns table (kind text, version_id uuid)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select v.kind, v.version_id
    from (
        select o.kind, o.version_id
        from progress.versions as o
        union
        select r.kind, r.version_id
        from progress.version_rollup as r
    ) as v
    order by
        case when p_sample is not null then random() end,
        v.kind,
        v.version_id
    limit p_sample;
end
$$;

comment on function progress.auditable_versions(integer) is
'Every version that is there or that something is stored of, or p_sample random ones.';

-- objects/functions/lying_totals.sql
create or replace function progress.lying_totals()
returns table (chapter_id text, stored integer, counted bigint)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select c.id::text, c.total_verses::integer, count(v.id)
    from public.chapters as c
    left join public.verses as v on c.id = v.chapter_id
    group by c.id, c.total_verses
    having c.total_verses is distinct from count(v.id)
    order by c.id;
end
$$;

comment on function progress.lying_totals() is
'Chapters whose total_verses is not the number of their verses, which is what counts.';

-- objects/functions/signal.sql
-- The one door into the queue. A transaction can only conflict with itself here, so no writer
-- waits for another; past 64 chapters one row for the whole version is cheaper for everybody.
create or replace function progress.signal(
    p_kind text, p_version_ids uuid[], p_chapter_ids text[]
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- An old snapshot may show a verse or a recording where it is no longer.
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        p_version_ids := array(select distinct v.id from unnest(p_version_ids) as v (id));
        p_chapter_ids := array_fill(null::text, array[cardinality(p_version_ids)]);
    end if;

    if cardinality(p_version_ids) <= 64 then
        insert into public.progress_refresh_queue (kind, version_id, chapter_id)
        select p_kind, scope.version_id, scope.chapter_id
        from unnest(p_version_ids, p_chapter_ids) as scope (version_id, chapter_id)
        where scope.version_id is not null
        on conflict (kind, version_id, chapter_id, xid) do nothing;
        return;
    end if;

    insert into public.progress_refresh_queue (kind, version_id, chapter_id)
    select distinct
        p_kind,
        counted.version_id,
        case when counted.chapters <= 64 then counted.chapter_id end
    from (
        select
            scope.version_id,
            scope.chapter_id,
            count(*) over (partition by scope.version_id) as chapters
        from unnest(p_version_ids, p_chapter_ids) as scope (version_id, chapter_id)
        where scope.version_id is not null
    ) as counted
    on conflict (kind, version_id, chapter_id, xid) do nothing;
end
$$;

comment on function progress.signal(text, uuid[], text[]) is
'Queue the given (version, chapter) pairs of one kind, chapter NULL for a whole version. Pairs must
be distinct. A transaction with one snapshot for all its statements always queues whole versions.';

-- objects/functions/signal_all.sql
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

-- objects/functions/signal_structure.sql
create or replace function progress.signal_structure(
    p_bible_version_ids text[], p_chapter_ids text[]
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind text;
begin
    -- An old snapshot may show a book or chapter in a canon where it is no longer.
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        insert into progress.unsettled_change (bible_version_id) values (null)
        on conflict (bible_version_id, chapter_id, media_file_id, xid) do nothing;
        perform progress.signal_all('audio'), progress.signal_all('text');
        return;
    end if;

    insert into progress.unsettled_change (bible_version_id, chapter_id)
    select distinct
        counted.bible_version_id,
        case when counted.chapters <= 64 then counted.chapter_id end
    from (
        select
            scope.bible_version_id,
            scope.chapter_id,
            count(*) over (partition by scope.bible_version_id) as chapters
        from unnest(p_bible_version_ids, p_chapter_ids) as scope (bible_version_id, chapter_id)
        where scope.bible_version_id is not null
    ) as counted
    on conflict (bible_version_id, chapter_id, media_file_id, xid) do nothing;

    foreach v_kind in array array['audio', 'text'] loop
        perform progress.signal(
            v_kind, array_agg(scoped.version_id), array_agg(scoped.chapter_id)
        )
        from (
            select v.version_id, scope.chapter_id
            from unnest(p_bible_version_ids, p_chapter_ids) as scope (bible_version_id, chapter_id)
            inner join progress.versions as v
                on
                    scope.bible_version_id = v.bible_version_id
                    and v.kind = v_kind
        ) as scoped;
    end loop;
end
$$;

comment on function progress.signal_structure(text[], text[]) is
'Queue every version of these canons for a change of their books, chapters or verses; chapter NULL
for the whole canon. Pairs must be distinct. Remembers the change until it has settled, because
a version or text being written at the same moment cannot be seen from here.';

-- objects/functions/content_truncated.sql
create or replace function progress.content_truncated()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind text;
begin
    foreach v_kind in array tg_argv loop
        perform progress.signal_all(v_kind);
    end loop;
    return null;
end
$$;

comment on function progress.content_truncated() is
'Signals every version of the kinds given as trigger arguments. TRUNCATE is not MVCC-safe: an older
snapshot sees the emptied table before it sees the signal.';

-- objects/functions/versions_changed.sql
-- Languages and dates decide which version of a language is best: they are read from base tables
-- where rollups are stored, and are stored themselves where materialized views are.
create or replace function progress.versions_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_stores_best boolean := progress.strategy() = 'matview';
begin
    if tg_op = 'INSERT' then
        perform progress.signal(tg_argv[0], array_agg(n.id), array_agg(null::text))
        from new_rows as n;
    elsif tg_op = 'DELETE' then
        perform progress.signal(tg_argv[0], array_agg(o.id), array_agg(null::text))
        from old_rows as o;
    else
        perform progress.signal(tg_argv[0], array_agg(s.id), array_agg(null::text))
        from (
            select changed.id
            from (
                (
                    select
                        o.id,
                        o.bible_version_id,
                        o.deleted_at is null as is_live,
                        case when v_stores_best then o.language_entity_id end as language_id,
                        case when v_stores_best then o.created_at end as created_at
                    from old_rows as o
                    except all
                    select
                        n.id,
                        n.bible_version_id,
                        n.deleted_at is null as is_live,
                        case when v_stores_best then n.language_entity_id end as language_id,
                        case when v_stores_best then n.created_at end as created_at
                    from new_rows as n
                )
                union all
                (
                    select
                        n.id,
                        n.bible_version_id,
                        n.deleted_at is null as is_live,
                        case when v_stores_best then n.language_entity_id end as language_id,
                        case when v_stores_best then n.created_at end as created_at
                    from new_rows as n
                    except all
                    select
                        o.id,
                        o.bible_version_id,
                        o.deleted_at is null as is_live,
                        case when v_stores_best then o.language_entity_id end as language_id,
                        case when v_stores_best then o.created_at end as created_at
                    from old_rows as o
                )
            ) as changed
            group by changed.id
        ) as s;
    end if;
    return null;
end
$$;

comment on function progress.versions_changed() is
'Signals versions of the kind given as trigger argument that were made, deleted, restored or given
another canon. Their names are read from the base table and need no signal, nor do their languages
and dates but where the best version of a language is stored in a materialized view.';

-- objects/triggers/books.sql
create or replace function progress.books_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_bible_version_ids text[];
begin
    if tg_op = 'INSERT' then
        v_bible_version_ids := array(
            select distinct n.bible_version_id
            from new_rows as n
        );
    elsif tg_op = 'DELETE' then
        v_bible_version_ids := array(
            select distinct o.bible_version_id
            from old_rows as o
        );
    else
        v_bible_version_ids := array(
            select distinct changed.bible_version_id
            from (
                (
                    select o.id, o.bible_version_id, o.book_number from old_rows as o
                    except all
                    select n.id, n.bible_version_id, n.book_number from new_rows as n
                )
                union all
                (
                    select n.id, n.bible_version_id, n.book_number from new_rows as n
                    except all
                    select o.id, o.bible_version_id, o.book_number from old_rows as o
                )
            ) as changed
        );
    end if;
    if cardinality(v_bible_version_ids) = 0 then
        return null;
    end if;

    perform progress.signal_structure(
        v_bible_version_ids, array_fill(null::text, array[cardinality(v_bible_version_ids)])
    );
    return null;
end
$$;

comment on function progress.books_changed() is
'Signals every version of a canon whose books came, went, moved or were renumbered.';

-- steps 4 5
create or replace trigger progress_insert
after insert on public.books
referencing new table as new_rows
for each statement execute function progress.books_changed();

create or replace trigger progress_update
after update on public.books
referencing old table as old_rows new table as new_rows
for each statement execute function progress.books_changed();

create or replace trigger progress_delete
after delete on public.books
referencing old table as old_rows
for each statement execute function progress.books_changed();

create or replace trigger progress_truncate
after truncate on public.books
for each statement execute function progress.content_truncated('audio', 'text');

-- steps 1 2 3 4 5
-- objects/triggers/chapters.sql
create or replace function progress.chapters_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_book_ids text[];
begin
    if tg_op = 'INSERT' then
        v_book_ids := array(select distinct n.book_id from new_rows as n);
    elsif tg_op = 'DELETE' then
        v_book_ids := array(select distinct o.book_id from old_rows as o);
    else
        v_book_ids := array(
            select distinct changed.book_id
            from (
                (
                    select o.id, o.book_id, o.chapter_number from old_rows as o
                    except all
                    select n.id, n.book_id, n.chapter_number from new_rows as n
                )
                union all
                (
                    select n.id, n.book_id, n.chapter_number from new_rows as n
                    except all
                    select o.id, o.book_id, o.chapter_number from old_rows as o
                )
            ) as changed
        );
    end if;
    if cardinality(v_book_ids) = 0 then
        return null;
    end if;

    perform progress.signal_structure(array_agg(canon.bible_version_id), array_agg(null::text))
    from (
        select distinct b.bible_version_id
        from public.books as b
        where b.id = any (v_book_ids)
    ) as canon;
    return null;
end
$$;

comment on function progress.chapters_changed() is
'Signals every version of a canon whose chapters came, went, moved or were renumbered. Their stored
total_verses is not trusted, so it signals nothing.';
-- steps 4 5

create or replace trigger progress_insert
after insert on public.chapters
referencing new table as new_rows
for each statement execute function progress.chapters_changed();

create or replace trigger progress_update
after update on public.chapters
referencing old table as old_rows new table as new_rows
for each statement execute function progress.chapters_changed();

create or replace trigger progress_delete
after delete on public.chapters
referencing old table as old_rows
for each statement execute function progress.chapters_changed();

create or replace trigger progress_truncate
after truncate on public.chapters
for each statement execute function progress.content_truncated('audio', 'text');
-- steps 1 2 3 4 5

-- objects/triggers/verses.sql
create or replace function progress.verses_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_chapter_ids text[];
begin
    if tg_op = 'INSERT' then
        v_chapter_ids := array(select distinct n.chapter_id from new_rows as n);
    elsif tg_op = 'DELETE' then
        v_chapter_ids := array(select distinct o.chapter_id from old_rows as o);
    else
        v_chapter_ids := array(
            select distinct changed.chapter_id
            from (
                (
                    select o.id, o.verse_number, o.chapter_id from old_rows as o
                    except all
                    select n.id, n.verse_number, n.chapter_id from new_rows as n
                )
                union all
                (
                    select n.id, n.verse_number, n.chapter_id from new_rows as n
                    except all
                    select o.id, o.verse_number, o.chapter_id from old_rows as o
                )
            ) as changed
        );
        if cardinality(v_chapter_ids) = 0 then
            return null;
        end if;
        -- A verse in another chapter may move the end of a range that crosses chapters.
        if exists (
            select
            from (
                select o.id, o.chapter_id from old_rows as o
                union all
                select n.id, n.chapter_id from new_rows as n
            ) as verse
            group by verse.id
            having min(verse.chapter_id) <> max(verse.chapter_id)
        ) then
            perform progress.signal_structure(
                array_agg(canon.bible_version_id), array_agg(null::text)
            )
            from (
                select distinct c.bible_version_id
                from progress.canon_chapters as c
                where c.chapter_id = any (v_chapter_ids)
            ) as canon;
            return null;
        end if;
    end if;

    perform progress.signal_structure(array_agg(c.bible_version_id), array_agg(c.chapter_id))
    from progress.canon_chapters as c
    where c.chapter_id = any (v_chapter_ids);
    return null;
end
$$;

comment on function progress.verses_changed() is
'Signals the chapter of verses that came, went or were renumbered, for every version of the canon.';

-- steps 4 5
create or replace trigger progress_insert
after insert on public.verses
referencing new table as new_rows
for each statement execute function progress.verses_changed();

create or replace trigger progress_update
after update on public.verses
referencing old table as old_rows new table as new_rows
for each statement execute function progress.verses_changed();

create or replace trigger progress_delete
after delete on public.verses
referencing old table as old_rows
for each statement execute function progress.verses_changed();

create or replace trigger progress_truncate
after truncate on public.verses
for each statement execute function progress.content_truncated('audio', 'text');

-- steps 1 2 3 4 5
-- objects/triggers/audio_versions.sql
-- steps 4 5
create or replace trigger progress_insert
after insert on public.audio_versions
referencing new table as new_rows
for each statement execute function progress.versions_changed('audio');

create or replace trigger progress_update
after update on public.audio_versions
referencing old table as old_rows new table as new_rows
for each statement execute function progress.versions_changed('audio');

create or replace trigger progress_delete
after delete on public.audio_versions
referencing old table as old_rows
for each statement execute function progress.versions_changed('audio');

create or replace trigger progress_truncate
after truncate on public.audio_versions
for each statement execute function progress.content_truncated('audio');
-- steps 1 2 3 4 5

-- objects/triggers/text_versions.sql
-- steps 4 5
create or replace trigger progress_insert
after insert on public.text_versions
referencing new table as new_rows
for each statement execute function progress.versions_changed('text');

create or replace trigger progress_update
after update on public.text_versions
referencing old table as old_rows new table as new_rows
for each statement execute function progress.versions_changed('text');

create or replace trigger progress_delete
after delete on public.text_versions
referencing old table as old_rows
for each statement execute function progress.versions_changed('text');

create or replace trigger progress_truncate
after truncate on public.text_versions
for each statement execute function progress.content_truncated('text');
-- steps 1 2 3 4 5

-- objects/triggers/verse_texts.sql
create or replace function progress.verse_texts_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- A session keeps the plan of its first statement, of a row or of a million. Looking up keys suits
-- both, hashing a table for one row does not. Old and new rows have no keys and are never joined.
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    if tg_op = 'INSERT' then
        -- A verse that is not there yet would have no chapter: then the whole version.
        perform progress.signal('text', array_agg(s.text_version_id), array_agg(s.chapter_id))
        from (
            select distinct n.text_version_id, v.chapter_id
            from new_rows as n
            left join public.verses as v on n.verse_id = v.id
        ) as s;
    elsif tg_op = 'DELETE' then
        -- A verse that is gone signalled its chapter itself.
        perform progress.signal('text', array_agg(s.text_version_id), array_agg(s.chapter_id))
        from (
            select distinct o.text_version_id, v.chapter_id
            from old_rows as o
            inner join public.verses as v on o.verse_id = v.id
        ) as s;
    else
        perform progress.signal('text', array_agg(s.text_version_id), array_agg(s.chapter_id))
        from (
            select distinct changed.text_version_id, v.chapter_id
            from (
                (
                    select o.text_version_id, o.verse_id
                    from old_rows as o
                    where progress.text_counts(o.verse_text, o.deleted_at)
                    except all
                    select n.text_version_id, n.verse_id
                    from new_rows as n
                    where progress.text_counts(n.verse_text, n.deleted_at)
                )
                union all
                (
                    select n.text_version_id, n.verse_id
                    from new_rows as n
                    where progress.text_counts(n.verse_text, n.deleted_at)
                    except all
                    select o.text_version_id, o.verse_id
                    from old_rows as o
                    where progress.text_counts(o.verse_text, o.deleted_at)
                )
            ) as changed
            left join public.verses as v on changed.verse_id = v.id
        ) as s;
    end if;
    return null;
end
$$;

comment on function progress.verse_texts_changed() is
'Signals the chapters whose text came, went or moved; wording alone signals nothing.';
-- steps 4 5

create or replace trigger progress_insert
after insert on public.verse_texts
referencing new table as new_rows
for each statement execute function progress.verse_texts_changed();

create or replace trigger progress_update
after update on public.verse_texts
referencing old table as old_rows new table as new_rows
for each statement execute function progress.verse_texts_changed();

create or replace trigger progress_delete
after delete on public.verse_texts
referencing old table as old_rows
for each statement execute function progress.verse_texts_changed();

create or replace trigger progress_truncate
after truncate on public.verse_texts
for each statement execute function progress.content_truncated('text');
-- steps 1 2 3 4 5

-- objects/triggers/media_files.sql
create or replace function progress.media_files_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- A session keeps the plan of its first statement, of a row or of a million. Looking up keys suits
-- both, hashing a table for one row does not. Old and new rows have no keys and are never joined.
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    if tg_op = 'INSERT' then
        perform progress.signal('audio', array_agg(s.audio_version_id), array_agg(s.chapter_id))
        from (
            select
                n.audio_version_id,
                progress.media_scope(n.chapter_id, n.start_verse_id, n.end_verse_id) as chapter_id
            from new_rows as n
            where
                n.audio_version_id is not null
                and progress.media_counts(
                    n.media_type::text,
                    n.is_bible_audio,
                    n.upload_status::text,
                    n.publish_status::text,
                    n.deleted_at
                )
            group by 1, 2
        ) as s;
        return null;
    end if;

    if tg_op = 'DELETE' then
        -- Where the version itself is going, its own trigger signals it.
        perform progress.signal('audio', array_agg(s.audio_version_id), array_agg(s.chapter_id))
        from (
            select
                o.audio_version_id,
                progress.media_scope(o.chapter_id, o.start_verse_id, o.end_verse_id) as chapter_id
            from old_rows as o
            inner join public.audio_versions as av on o.audio_version_id = av.id
            where progress.media_counts(
                o.media_type::text,
                o.is_bible_audio,
                o.upload_status::text,
                o.publish_status::text,
                o.deleted_at
            )
            union
            -- What an unsettled file left to be settled is settled with its end.
            select o.audio_version_id, null as chapter_id
            from old_rows as o
            inner join progress.unsettled_change as u on o.id = u.media_file_id
            where o.audio_version_id is not null
        ) as s;

        -- The trigger of the timings that go along runs after this one.
        insert into progress.deleted_media_file as d (media_file_id, audio_version_id)
        select o.id, o.audio_version_id
        from old_rows as o
        inner join public.audio_versions as av on o.audio_version_id = av.id
        on conflict (media_file_id, xid) do update
        set audio_version_id = excluded.audio_version_id;
        return null;
    end if;

    -- Verse timings written at this moment saw the file where it was before.
    insert into progress.unsettled_change (media_file_id)
    select moved.id
    from (
        select n.id, n.audio_version_id, n.chapter_id, n.start_verse_id, n.end_verse_id
        from new_rows as n
        except all
        select o.id, o.audio_version_id, o.chapter_id, o.start_verse_id, o.end_verse_id
        from old_rows as o
    ) as moved
    on conflict (bible_version_id, chapter_id, media_file_id, xid) do nothing;

    perform progress.signal('audio', array_agg(s.audio_version_id), array_agg(s.chapter_id))
    from (
        with file as (
            select
                o.id,
                o.audio_version_id,
                o.chapter_id,
                o.start_verse_id,
                o.end_verse_id,
                progress.media_counts(
                    o.media_type::text,
                    o.is_bible_audio,
                    o.upload_status::text,
                    o.publish_status::text,
                    o.deleted_at
                ) as counts
            from old_rows as o
            union all
            select
                n.id,
                n.audio_version_id,
                n.chapter_id,
                n.start_verse_id,
                n.end_verse_id,
                progress.media_counts(
                    n.media_type::text,
                    n.is_bible_audio,
                    n.upload_status::text,
                    n.publish_status::text,
                    n.deleted_at
                ) as counts
            from new_rows as n
        ),

        -- Of before and after: two that are alike changed nothing.
        compared as (
            select
                f.*,
                count(*) over (partition by f.id, f.audio_version_id) as in_its_version,
                count(*) over (
                    partition by
                        f.id,
                        f.audio_version_id,
                        f.chapter_id,
                        f.start_verse_id,
                        f.end_verse_id,
                        f.counts
                ) as alike
            from file as f
        ),

        changed as (
            select c.*
            from compared as c
            where c.audio_version_id is not null and c.counts and c.alike = 1
        )

        select
            c.audio_version_id,
            case
                when c.in_its_version = 2
                    then progress.media_scope(c.chapter_id, c.start_verse_id, c.end_verse_id)
            end as chapter_id
        from changed as c
        union
        select c.audio_version_id, v.chapter_id
        from changed as c
        inner join public.media_files_verses as t
            on
                c.id = t.media_file_id
                and t.deleted_at is null
        inner join public.verses as v on t.verse_id = v.id
    ) as s;
    return null;
end
$$;

comment on function progress.media_files_changed() is
'Signals the chapters of recordings that came, went, changed scope, were published or withdrawn; a
file that moves between versions signals both as a whole.';

-- steps 4 5
create or replace trigger progress_insert
after insert on public.media_files
referencing new table as new_rows
for each statement execute function progress.media_files_changed();

create or replace trigger progress_update
after update on public.media_files
referencing old table as old_rows new table as new_rows
for each statement execute function progress.media_files_changed();

create or replace trigger progress_delete
after delete on public.media_files
referencing old table as old_rows
for each statement execute function progress.media_files_changed();

create or replace trigger progress_truncate
after truncate on public.media_files
for each statement execute function progress.content_truncated('audio');

-- steps 1 2 3 4 5
-- objects/triggers/media_files_verses.sql
-- Signals whether or not the file counts just now: it may be published at this very moment by a
-- transaction that cannot see these rows.
create or replace function progress.media_files_verses_changed()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_media_file_ids uuid[];
    v_verse_ids text[];
begin
    if tg_op = 'INSERT' then
        select array_agg(n.media_file_id), array_agg(n.verse_id)
        into v_media_file_ids, v_verse_ids
        from new_rows as n
        where n.deleted_at is null;
    elsif tg_op = 'DELETE' then
        -- A verse that is gone signalled its chapter itself.
        select array_agg(o.media_file_id), array_agg(o.verse_id)
        into v_media_file_ids, v_verse_ids
        from old_rows as o
        inner join public.verses as v on o.verse_id = v.id
        where o.deleted_at is null;
    else
        select array_agg(changed.media_file_id), array_agg(changed.verse_id)
        into v_media_file_ids, v_verse_ids
        from (
            (
                select o.media_file_id, o.verse_id from old_rows as o where o.deleted_at is null
                except all
                select n.media_file_id, n.verse_id from new_rows as n where n.deleted_at is null
            )
            union all
            (
                select n.media_file_id, n.verse_id from new_rows as n where n.deleted_at is null
                except all
                select o.media_file_id, o.verse_id from old_rows as o where o.deleted_at is null
            )
        ) as changed;
    end if;

    perform progress.signal('audio', array_agg(s.audio_version_id), array_agg(s.chapter_id))
    from (
        select distinct
            coalesce(f.audio_version_id, d.audio_version_id) as audio_version_id,
            v.chapter_id
        from unnest(v_media_file_ids, v_verse_ids) as t (media_file_id, verse_id)
        left join public.media_files as f on t.media_file_id = f.id
        left join progress.deleted_media_file as d
            on
                t.media_file_id = d.media_file_id
                and d.xid = pg_current_xact_id()
                and f.id is null
        left join public.verses as v on t.verse_id = v.id
    ) as s;

    -- In the chapter that the file covers as a whole a timing adds nothing. Others are noted, so that
    -- drains of versions without them need not look for any.
    insert into progress.timed_version (audio_version_id)
    select distinct f.audio_version_id
    from unnest(v_media_file_ids, v_verse_ids) as t (media_file_id, verse_id)
    inner join public.media_files as f on t.media_file_id = f.id
    inner join public.verses as v on t.verse_id = v.id
    where
        f.audio_version_id is not null
        and (f.start_verse_id is null and f.chapter_id = v.chapter_id) is not true
    on conflict (audio_version_id, xid) do nothing;

    -- A file that is published signals its own chapter. Timings in another chapter would be
    -- missed by a publication that runs beside this statement; and an old snapshot may show the
    -- file in a version where it is no longer.
    insert into progress.unsettled_change (media_file_id)
    select distinct f.id
    from unnest(v_media_file_ids, v_verse_ids) as t (media_file_id, verse_id)
    inner join public.media_files as f on t.media_file_id = f.id
    inner join public.verses as v on t.verse_id = v.id
    where
        progress.media_scope(f.chapter_id, f.start_verse_id, f.end_verse_id) <> v.chapter_id
        or current_setting('transaction_isolation') in ('repeatable read', 'serializable')
    on conflict (bible_version_id, chapter_id, media_file_id, xid) do nothing;
    return null;
end
$$;

comment on function progress.media_files_verses_changed() is
'Signals the chapters whose verse timings came, went or moved to another verse or file.';
-- steps 4 5

create or replace trigger progress_insert
after insert on public.media_files_verses
referencing new table as new_rows
for each statement execute function progress.media_files_verses_changed();

create or replace trigger progress_update
after update on public.media_files_verses
referencing old table as old_rows new table as new_rows
for each statement execute function progress.media_files_verses_changed();

create or replace trigger progress_delete
after delete on public.media_files_verses
referencing old table as old_rows
for each statement execute function progress.media_files_verses_changed();

create or replace trigger progress_truncate
after truncate on public.media_files_verses
for each statement execute function progress.content_truncated('audio');
-- steps 1 2 3 4 5

-- objects/functions/drained_together.sql
create or replace function progress.drained_together(p_kind text, p_version_id uuid)
returns uuid[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if progress.strategy() = 'incremental' then
        return array[p_version_id];
    end if;
    return array(
        select q.version_id from public.progress_refresh_queue as q where q.kind = p_kind
        union
        select p_version_id
        order by 1
    );
end
$$;

comment on function progress.drained_together(text, uuid) is
'The versions that a drain of this one refreshes: itself, or all of its kind that wait where a
refresh is one of the whole kind.';

-- objects/functions/refresh_materialized_views.sql
-- Levels are listed from the verse up, so each is computed from the one refreshed before it.
create or replace function progress.refresh_materialized_views(p_kind text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_relation record;
    v_versions boolean := false;
    v_changed integer := 0;
begin
    for v_relation in
        select c.oid::regclass::text as name, c.relispopulated, l.level
        from progress.levels as l
        inner join pg_catalog.pg_class as c on to_regclass(l.stored) = c.oid
        where l.kind = p_kind and c.relkind = 'm'
        order by l.position
    loop
        execute format(
            'refresh materialized view %s %s',
            case when v_relation.relispopulated then 'concurrently' else '' end,
            v_relation.name
        );
        v_versions := v_versions or v_relation.level = 'version';
    end loop;

    if v_versions then
        insert into progress.version_history as h (
            kind,
            version_id,
            day,
            covered_verses,
            total_verses,
            chapters_with_any,
            complete_chapters,
            total_chapters,
            books_complete,
            total_books
        )
        select
            s.kind,
            s.version_id,
            (clock_timestamp() at time zone 'UTC')::date,
            s.covered_verses,
            s.total_verses,
            s.chapters_with_any,
            s.complete_chapters,
            s.total_chapters,
            s.books_complete,
            s.total_books
        from progress.stored_versions as s
        left join lateral (
            select p.*
            from progress.version_history as p
            where p.kind = s.kind and p.version_id = s.version_id
            order by p.day desc
            limit 1
        ) as past on true
        where
            s.kind = p_kind
            and (
                s.covered_verses,
                s.total_verses,
                s.chapters_with_any,
                s.complete_chapters,
                s.total_chapters,
                s.books_complete,
                s.total_books
            ) is distinct from (
                past.covered_verses,
                past.total_verses,
                past.chapters_with_any,
                past.complete_chapters,
                past.total_chapters,
                past.books_complete,
                past.total_books
            )
        on conflict (kind, version_id, day) do update
        set
            covered_verses = excluded.covered_verses,
            total_verses = excluded.total_verses,
            chapters_with_any = excluded.chapters_with_any,
            complete_chapters = excluded.complete_chapters,
            total_chapters = excluded.total_chapters,
            books_complete = excluded.books_complete,
            total_books = excluded.total_books;
        get diagnostics v_changed = row_count;
    end if;
    return v_changed;
end
$$;

comment on function progress.refresh_materialized_views(text) is
'Refresh the materialized views that there are of a kind, concurrently where they are filled, and
note the day''s state of versions that changed. Returns how many did. Only the drain calls it, under
the kind''s lock.';

-- objects/functions/refresh_books.sql
-- Two plans: the sums of one book are looked up, those of many are made in one pass.
create or replace function progress.refresh_books(
    p_kind text, p_version_id uuid, p_book_ids text[]
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_stale progress.stale_books[];
    v_changed integer;
begin
    if cardinality(p_book_ids) = 1 then
        v_stale := array(
            select s
            from progress.stale_books as s
            where
                s.kind = p_kind
                and s.version_id = p_version_id
                and s.book_id = p_book_ids[1]
        );
    else
        v_stale := array(
            select s
            from progress.stale_books as s
            where
                s.kind = p_kind
                and s.version_id = p_version_id
                and s.book_id = any(p_book_ids)
        );
    end if;

    if cardinality(v_stale) = 0 then
        return 0;
    end if;
    insert into progress.book_rollup as r (
        kind,
        version_id,
        book_id,
        covered_verses,
        total_verses,
        chapters_with_any,
        complete_chapters,
        total_chapters
    )
    select
        s.kind,
        s.version_id,
        s.book_id,
        s.covered_verses,
        s.total_verses,
        s.chapters_with_any,
        s.complete_chapters,
        s.total_chapters
    from unnest(v_stale) as s
    on conflict (kind, version_id, book_id) do update
    set
        covered_verses = excluded.covered_verses,
        total_verses = excluded.total_verses,
        chapters_with_any = excluded.chapters_with_any,
        complete_chapters = excluded.complete_chapters,
        total_chapters = excluded.total_chapters;
    get diagnostics v_changed = row_count;
    return v_changed;
end
$$;

comment on function progress.refresh_books(text, uuid, text[]) is
'Bring the rollups of these books to the sum of their stored chapters. Returns the number of rows
written. Only the drain calls it, under the version''s lock.';

-- objects/functions/timings_may_add.sql
-- Every transaction that writes such a timing leaves a row of its own; here all but one of those
-- whose writers have ended are taken together.
create or replace function progress.timings_may_add(p_audio_version_id uuid)
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

comment on function progress.timings_may_add(uuid) is
'Whether verse timings of an audio version may cover more than its recordings do by their own
columns. Only the drain calls it, under the version''s lock.';

-- objects/functions/note_timings.sql
-- What a running transaction writes has a note of its own, so only notes older than all of those
-- may go. Looking and taking away are one statement: between two a writer could commit a timing
-- that the first did not see and a note that the second did.
create or replace function progress.note_timings(p_audio_version_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_may_add boolean;
begin
    with timings as materialized (
        select
            exists (
                select
                from public.media_files as f
                where
                    f.audio_version_id = p_audio_version_id
                    and exists (
                        select
                        from (
                            -- In order of the unique index: no plan reads all timings for a file.
                            select t.verse_id
                            from public.media_files_verses as t
                            where t.media_file_id = f.id and t.deleted_at is null
                            order by t.verse_id
                            offset 0
                        ) as timing
                        inner join public.verses as v on timing.verse_id = v.id
                        where (f.start_verse_id is null and f.chapter_id = v.chapter_id) is not true
                        -- File by file: a join could read the timings of every version.
                        offset 0
                    )
            ) as may_add
    ),

    forgotten as (
        delete from progress.timed_version as n
        using timings
        where
            not timings.may_add
            and n.audio_version_id = p_audio_version_id
            and n.xid < pg_snapshot_xmin(pg_current_snapshot())
    )

    select t.may_add into v_may_add
    from timings as t;

    if v_may_add then
        insert into progress.timed_version (audio_version_id)
        select p_audio_version_id
        where not exists (
            select from progress.timed_version as n where n.audio_version_id = p_audio_version_id
        )
        on conflict (audio_version_id, xid) do nothing;
    end if;
end
$$;

comment on function progress.note_timings(uuid) is
'Note whether verse timings of an audio version may cover more than its recordings do by their own
columns. Only the drain calls it, under the version''s lock.';

-- objects/functions/refresh_chapters.sql
-- One plan for every version and chapter: planning these views anew costs more than running them.
create or replace function progress.refresh_chapters(
    p_kind text, p_version_id uuid, p_chapter_ids text[]
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_chapter_id text;
    v_live bit varying;
    v_stored bit varying;
    v_changed integer := 0;
    v_with_timings boolean := p_kind = 'text' or progress.timings_may_add(p_version_id);
begin
    foreach v_chapter_id in array p_chapter_ids loop
        -- Constants leave the other kind, and timings, out of the plan.
        if p_kind = 'text' then
            v_live := (
                select l.covered
                from progress.live_bitmaps as l
                where
                    l.reach = 'all'
                    and l.kind = 'text'
                    and l.version_id = p_version_id
                    and l.chapter_id = v_chapter_id
            );
        elsif v_with_timings then
            v_live := (
                select l.covered
                from progress.live_bitmaps as l
                where
                    l.reach = 'all'
                    and l.kind = 'audio'
                    and l.version_id = p_version_id
                    and l.chapter_id = v_chapter_id
            );
        else
            v_live := (
                select l.covered
                from progress.live_bitmaps as l
                where
                    l.reach = 'recordings'
                    and l.kind = 'audio'
                    and l.version_id = p_version_id
                    and l.chapter_id = v_chapter_id
            );
        end if;
        v_stored := (
            select b.covered
            from progress.chapter_bitmap as b
            where
                b.kind = p_kind
                and b.version_id = p_version_id
                and b.chapter_id = v_chapter_id
        );
        if v_live is not distinct from v_stored then
            continue;
        end if;
        if v_live is null then
            delete from progress.chapter_bitmap as b
            where
                b.kind = p_kind
                and b.version_id = p_version_id
                and b.chapter_id = v_chapter_id;
        else
            insert into progress.chapter_bitmap as b (kind, version_id, chapter_id, covered)
            values (p_kind, p_version_id, v_chapter_id, v_live)
            on conflict (kind, version_id, chapter_id) do update
            set covered = excluded.covered;
        end if;
        v_changed := v_changed + 1;
    end loop;

    return v_changed + progress.refresh_books(
        p_kind,
        p_version_id,
        array(select distinct c.book_id from public.chapters as c where c.id = any(p_chapter_ids))
    );
end
$$;

comment on function progress.refresh_chapters(text, uuid, text[]) is
'Bring the bitmaps of these chapters, and the rollups of their books, to what the base tables say.
Returns the number of rows written. Only the drain calls it, under the version''s lock.';

-- objects/functions/refresh_all_chapters.sql
-- One plan for every version: planning these views anew costs more than running them.
create or replace function progress.refresh_all_chapters(p_kind text, p_version_id uuid)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_live progress.live_bitmaps[];
    v_changed integer;
    v_rows integer;
begin
    if p_kind = 'audio' then
        perform progress.note_timings(p_version_id);
    end if;

    -- Constants leave the other kind, and timings, out of the plan.
    if p_kind = 'text' then
        v_live := array(
            select l
            from progress.live_bitmaps as l
            where l.reach = 'all' and l.kind = 'text' and l.version_id = p_version_id
        );
    elsif progress.timings_may_add(p_version_id) then
        v_live := array(
            select l
            from progress.live_bitmaps as l
            where l.reach = 'all' and l.kind = 'audio' and l.version_id = p_version_id
        );
    else
        v_live := array(
            select l
            from progress.live_bitmaps as l
            where l.reach = 'recordings' and l.kind = 'audio' and l.version_id = p_version_id
        );
    end if;

    with live as materialized (
        select l.chapter_id, l.covered
        from unnest(v_live) as l
    ),

    gone as (
        delete from progress.chapter_bitmap as b
        where
            b.kind = p_kind
            and b.version_id = p_version_id
            and not exists (select from live as l where l.chapter_id = b.chapter_id)
        returning b.chapter_id
    ),

    written as (
        insert into progress.chapter_bitmap as b (kind, version_id, chapter_id, covered)
        select p_kind, p_version_id, l.chapter_id, l.covered
        from live as l
        left join progress.chapter_bitmap as o
            on
                o.kind = p_kind
                and o.version_id = p_version_id
                and l.chapter_id = o.chapter_id
        where l.covered is distinct from o.covered
        on conflict (kind, version_id, chapter_id) do update
        set covered = excluded.covered
        returning b.chapter_id
    )

    select (select count(*) from gone) + (select count(*) from written) into v_changed;

    delete from progress.book_rollup as r
    where
        r.kind = p_kind
        and r.version_id = p_version_id
        and not exists (
            select
            from progress.versions as v
            inner join public.books as b on v.bible_version_id = b.bible_version_id
            where v.kind = p_kind and v.version_id = p_version_id and b.id = r.book_id
        );
    get diagnostics v_rows = row_count;

    return v_changed + v_rows + progress.refresh_books(
        p_kind,
        p_version_id,
        array(
            select b.id
            from progress.versions as v
            inner join public.books as b on v.bible_version_id = b.bible_version_id
            where v.kind = p_kind and v.version_id = p_version_id
        )
    );
end
$$;

comment on function progress.refresh_all_chapters(text, uuid) is
'Bring every bitmap and book rollup of a version to what the base tables say; rows that are gone
leave. Returns the number of rows written. Only the drain calls it, under the version''s lock.';

-- objects/functions/refresh_summary.sql
create or replace function progress.refresh_summary(
    p_kind text, p_version_id uuid, p_rows_below integer
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_changed integer;
begin
    insert into progress.version_rollup as r (
        kind,
        version_id,
        covered_verses,
        total_verses,
        chapters_with_any,
        complete_chapters,
        total_chapters,
        books_complete,
        total_books,
        refreshed_at
    )
    select
        n.kind,
        n.version_id,
        n.covered_verses,
        n.total_verses,
        n.chapters_with_any,
        n.complete_chapters,
        n.total_chapters,
        n.books_complete,
        n.total_books,
        clock_timestamp()
    from progress.versions_by_source as n
    left join progress.version_rollup as o
        on
            n.kind = o.kind
            and n.version_id = o.version_id
    where
        n.source = 'rollup'
        and n.kind = p_kind
        and n.version_id = p_version_id
        and (
            p_rows_below > 0
            or (
                n.covered_verses,
                n.total_verses,
                n.chapters_with_any,
                n.complete_chapters,
                n.total_chapters,
                n.books_complete,
                n.total_books
            ) is distinct from (
                o.covered_verses,
                o.total_verses,
                o.chapters_with_any,
                o.complete_chapters,
                o.total_chapters,
                o.books_complete,
                o.total_books
            )
        )
    on conflict (kind, version_id) do update
    set
        covered_verses = excluded.covered_verses,
        total_verses = excluded.total_verses,
        chapters_with_any = excluded.chapters_with_any,
        complete_chapters = excluded.complete_chapters,
        total_chapters = excluded.total_chapters,
        books_complete = excluded.books_complete,
        total_books = excluded.total_books,
        refreshed_at = excluded.refreshed_at;
    get diagnostics v_changed = row_count;

    if v_changed > 0 then
        insert into progress.version_history as h (
            kind,
            version_id,
            day,
            covered_verses,
            total_verses,
            chapters_with_any,
            complete_chapters,
            total_chapters,
            books_complete,
            total_books
        )
        select
            r.kind,
            r.version_id,
            (r.refreshed_at at time zone 'UTC')::date,
            r.covered_verses,
            r.total_verses,
            r.chapters_with_any,
            r.complete_chapters,
            r.total_chapters,
            r.books_complete,
            r.total_books
        from progress.version_rollup as r
        where
            r.kind = p_kind
            and r.version_id = p_version_id
            -- Other verses may make the same counts.
            and (
                r.covered_verses,
                r.total_verses,
                r.chapters_with_any,
                r.complete_chapters,
                r.total_chapters,
                r.books_complete,
                r.total_books
            ) is distinct from (
                select (
                    l.covered_verses,
                    l.total_verses,
                    l.chapters_with_any,
                    l.complete_chapters,
                    l.total_chapters,
                    l.books_complete,
                    l.total_books
                )
                from progress.version_history as l
                where l.kind = p_kind and l.version_id = p_version_id
                order by l.day desc
                limit 1
            )
        on conflict (kind, version_id, day) do update
        set
            covered_verses = excluded.covered_verses,
            total_verses = excluded.total_verses,
            chapters_with_any = excluded.chapters_with_any,
            complete_chapters = excluded.complete_chapters,
            total_chapters = excluded.total_chapters,
            books_complete = excluded.books_complete,
            total_books = excluded.total_books;
        if found then
            v_changed := v_changed + 1;
        end if;
        return v_changed;
    end if;

    if not exists (
        select
        from progress.versions as v
        where v.kind = p_kind and v.version_id = p_version_id
    ) then
        delete from progress.version_rollup as r
        where r.kind = p_kind and r.version_id = p_version_id;
        get diagnostics v_changed = row_count;
    end if;
    return v_changed;
end
$$;

comment on function progress.refresh_summary(text, uuid, integer) is
'Bring the summary of a version to the sum of its book rollups, and note the day''s state where it
changed. refreshed_at says when it or any row under it did, of which p_rows_below changed. Returns the number of
rows written. Only the drain calls it, under the version''s lock.';

-- objects/functions/record_failure.sql
-- Full jitter: versions that failed together must not all come back together.
create or replace function progress.record_failure(
    p_kind text, p_version_id uuid, p_error text
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_version_ids uuid[] := progress.drained_together(p_kind, p_version_id);
    v_jitter double precision := random();
    v_now timestamptz := clock_timestamp();
begin
    insert into progress.failure as f (kind, version_id, attempts, next_attempt_at, last_error)
    select p_kind, v.id, 1, clock_timestamp(), p_error
    from unnest(v_version_ids) as v (id)
    on conflict (kind, version_id) do update
    set
        attempts = f.attempts + 1,
        last_error = excluded.last_error,
        failed_at = clock_timestamp();

    update progress.failure as f
    set
        next_attempt_at = v_now + v_jitter * least(
            s.backoff_cap, s.backoff_base * (2 ^ least(f.attempts, 30))
        )
    from progress.settings as s
    where f.kind = p_kind and f.version_id = any (v_version_ids);

    with dying as (
        delete from progress.failure as f
        using progress.settings as s
        where
            f.kind = p_kind and f.version_id = any (v_version_ids) and f.attempts >= s.max_attempts
        returning f.version_id, f.attempts
    ),

    moved as (
        delete from public.progress_refresh_queue as q
        using dying as d
        where q.kind = p_kind and q.version_id = d.version_id
        returning q.version_id, q.chapter_id, q.enqueued_at, d.attempts
    )

    insert into public.progress_refresh_dead_letter as d (
        kind, version_id, chapter_id, enqueued_at, attempts, last_error
    )
    select p_kind, m.version_id, m.chapter_id, min(m.enqueued_at), max(m.attempts), p_error
    from moved as m
    group by m.version_id, m.chapter_id
    on conflict (kind, version_id, chapter_id) do update
    set
        attempts = excluded.attempts,
        last_error = excluded.last_error,
        died_at = clock_timestamp();

    return case
        when exists (
            select from progress.failure as f where f.kind = p_kind and f.version_id = p_version_id
        ) then 'failed'
        else 'dead'
    end;
end
$$;

comment on function progress.record_failure(text, uuid, text) is
'Note that a drain of this version, and of those drained with it, failed: their signals stay, the
next attempt is put off, and after settings.max_attempts the signals move to the dead letters.
Returns failed or dead. The caller holds the version''s lock.';

-- objects/functions/record_lost_drain.sql
create or replace function progress.record_lost_drain(
    p_kind text, p_version_id uuid, p_error text
)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if
        exists (
            select
            from public.progress_refresh_queue as q
            where q.kind = p_kind and q.version_id = p_version_id
        )
        and pg_try_advisory_xact_lock(progress.version_lock_key(p_kind, p_version_id))
    then
        perform progress.record_failure(p_kind, p_version_id, p_error);
    end if;
end
$$;

comment on function progress.record_lost_drain(text, uuid, text) is
'Count a failed drain that could not be recorded when it failed, as where its connection was lost;
nothing for a version without signals or that another drain has.';

-- objects/functions/is_backing_off.sql
create or replace function progress.is_backing_off(p_kind text, p_version_id uuid)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select
        from progress.failure as f
        where
            f.kind = p_kind
            and (f.version_id = p_version_id or progress.strategy() <> 'incremental')
            and f.next_attempt_at > clock_timestamp()
    );
end
$$;

comment on function progress.is_backing_off(text, uuid) is
'Whether the last drain of a version, or where a refresh is one of the whole kind of any, failed and
its next attempt is not due yet.';

-- objects/functions/drain_version.sql
-- The order is the promise: lock, then claim, then compute, each in a snapshot of its own.
-- Computing before the lock could overwrite newer numbers; deleting signals after computing could
-- delete one whose change was not seen. docs/decisions/0004-one-transaction-per-drain.md
create or replace function progress.drain_version(p_kind text, p_version_id uuid)
returns table (
    outcome text,
    signals integer,
    chapters integer,
    rows_changed integer,
    lag_seconds double precision,
    error text
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_version_ids uuid[];
    v_whole boolean;
    v_chapter_ids text[];
    v_oldest_at timestamptz;
    v_timeout interval := current_setting('statement_timeout')::interval;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'a drain must run in a READ COMMITTED transaction, this one is %',
            upper(current_setting('transaction_isolation'))
            using errcode = 'BP004',
            hint = 'Call it outside of a transaction, or begin one with isolation level read committed.';
    end if;

    signals := 0;
    chapters := 0;
    rows_changed := 0;
    -- An install or a change of strategy holds the first: numbers computed beside it are lost.
    if not pg_try_advisory_xact_lock_shared(progress.install_lock_key()) then
        outcome := 'locked';
        return next;
        return;
    end if;
    if not pg_try_advisory_xact_lock(progress.version_lock_key(p_kind, p_version_id)) then
        outcome := 'locked';
        return next;
        return;
    end if;

    v_version_ids := progress.drained_together(p_kind, p_version_id);
    begin
        with claimed as (
            delete from public.progress_refresh_queue as q
            where q.kind = p_kind and q.version_id = any (v_version_ids)
            returning q.version_id, q.chapter_id, q.enqueued_at
        ),

        -- What is recomputed now is no longer dead.
        revived as (
            delete from public.progress_refresh_dead_letter as d
            where
                d.kind = p_kind
                and d.version_id = any (v_version_ids)
                and exists (
                    select
                    from claimed as c
                    where
                        c.version_id = d.version_id
                        and (c.chapter_id is null or c.chapter_id = d.chapter_id)
                )
        )

        select
            count(*),
            min(c.enqueued_at),
            coalesce(bool_or(c.chapter_id is null), false),
            array_agg(distinct c.chapter_id) filter (where c.chapter_id is not null)
        into signals, v_oldest_at, v_whole, v_chapter_ids
        from claimed as c;

        if signals = 0 then
            outcome := 'clean';
            return next;
            return;
        end if;

        if progress.strategy() <> 'incremental' then
            rows_changed := progress.refresh_materialized_views(p_kind);
        else
            if v_whole then
                rows_changed := progress.refresh_all_chapters(p_kind, p_version_id);
            else
                chapters := cardinality(v_chapter_ids);
                rows_changed := progress.refresh_chapters(p_kind, p_version_id, v_chapter_ids);
            end if;
            rows_changed := rows_changed
                + progress.refresh_summary(p_kind, p_version_id, rows_changed);
        end if;

        delete from progress.failure as f
        where f.kind = p_kind and f.version_id = any (v_version_ids);
        outcome := 'drained';
        lag_seconds := extract(epoch from clock_timestamp() - v_oldest_at);
    exception
        -- "others" leaves out cancelled statements and failed assertions; a timeout is a failure
        -- like any other, and without a record of it the version would be tried at once again.
        when query_canceled or assert_failure or others then
            -- A cancel by hand is nobody's failure. The timer starts a little before the statement.
            if
                sqlstate = '57014'
                and (
                    v_timeout = '0'
                    or clock_timestamp() - statement_timestamp() < 0.9 * v_timeout
                )
            then
                raise;
            end if;
            get stacked diagnostics error = message_text;
            error := sqlstate || ': ' || error;
            rows_changed := 0;
            outcome := progress.record_failure(p_kind, p_version_id, error);
    end;
    return next;
end
$$;

comment on function progress.drain_version(text, uuid) is
'Claim the signals of a version and refresh what they name, in this transaction. Outcome: drained,
clean (no signal), locked (another drain has it), failed (signals kept, retried later) or dead
(signals moved to the dead letters). lag_seconds is the age of the oldest signal when its numbers
were ready to commit; chapters is 0 for a whole version. Needs READ COMMITTED.';

-- objects/functions/settle.sql
-- A transaction that ran beside a change of structure may have resolved its own signals against
-- the old structure. All of those had begun to write before the change was seen here for the first
-- time, so they have lower transaction numbers than this one gets now. Once they have ended, what
-- they wrote is visible, but a third transaction may still run that saw neither: it is waited for
-- in a second round. A signal made after that reaches whatever any of them did.
-- One that ran beside a change of canon may have left a row itself, and named a canon that was no
-- longer right. The change names the right one: it stands until all those have waited too.
create or replace function progress.settle()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_signals integer := 0;
begin
    -- A number given earlier in this transaction could be lower than theirs.
    if
        pg_current_xact_id_if_assigned() is not null
        or not exists (
            select from progress.unsettled_change
            union all
            select from progress.deleted_media_file
        )
    then
        return 0;
    end if;
    -- An install or a change of strategy holds this one; it would wait for rows that are taken here,
    -- and these statements for views that it drops.
    if not pg_try_advisory_xact_lock_shared(progress.install_lock_key()) then
        return 0;
    end if;

    -- Nothing may wait before the number is taken, and nobody for rows that another drain has.
    update progress.unsettled_change as u
    set settles_at = pg_current_xact_id()
    from (
        select c.id
        from progress.unsettled_change as c
        where c.settles_at is null
        for update skip locked
    ) as fresh
    where u.id = fresh.id;

    -- The next round needs a number of its own, which the next transaction has.
    update progress.unsettled_change as u
    set settles_at = null, rounds_left = u.rounds_left - 1
    from (
        select c.id
        from progress.unsettled_change as c
        where
            c.rounds_left > 1
            and c.settles_at <= pg_snapshot_xmin(pg_current_snapshot())
        for update skip locked
    ) as waited
    where u.id = waited.id;

    with settled as (
        delete from progress.unsettled_change as u
        using (
            select c.id
            from progress.unsettled_change as c
            where
                c.rounds_left = 1
                and c.settles_at <= pg_snapshot_xmin(pg_current_snapshot())
                and (
                    c.media_file_id is not null
                    or c.settles_at <= coalesce(
                        (
                            select waiting.xid
                            from progress.unsettled_change as waiting
                            where
                                waiting.media_file_id is null
                                and (
                                    waiting.rounds_left = 1
                                    and waiting.settles_at
                                    <= pg_snapshot_xmin(pg_current_snapshot())
                                ) is not true
                            order by waiting.xid
                            limit 1
                        ),
                        c.settles_at
                    )
                )
            for update skip locked
        ) as due
        where u.id = due.id
        returning u.bible_version_id, u.chapter_id, u.media_file_id
    ),

    scope as (
        select ver.kind, ver.version_id, s.chapter_id
        from settled as s
        inner join progress.versions as ver
            on
                s.media_file_id is null
                and ver.bible_version_id = coalesce(s.bible_version_id, ver.bible_version_id)
        union
        select 'audio' as kind, f.audio_version_id as version_id, null as chapter_id
        from settled as s
        inner join public.media_files as f on s.media_file_id = f.id
        where f.audio_version_id is not null
    )

    insert into public.progress_refresh_queue (kind, version_id, chapter_id)
    select s.kind, s.version_id, s.chapter_id
    from scope as s
    on conflict (kind, version_id, chapter_id, xid) do nothing;
    get diagnostics v_signals = row_count;

    delete from progress.deleted_media_file as d
    using (
        select l.media_file_id, l.xid
        from progress.deleted_media_file as l
        where l.xid < pg_snapshot_xmin(pg_current_snapshot())
        for update skip locked
    ) as past
    where d.media_file_id = past.media_file_id and d.xid = past.xid;
    return v_signals;
end
$$;

comment on function progress.settle() is
'Turn changes of structure that no running transaction can have missed into signals; returns how
many. due_versions calls it. Does nothing in a transaction that has written already.';

-- objects/functions/due_versions.sql
-- The inner limits bound the work under a long queue. Versions that back off are left out before
-- them, and those that failed take turns with the others, so that the signals of neither hide those
-- of the other: a caller with little time gets to a healthy version first, whatever fails.
create or replace function progress.due_versions(p_limit integer)
returns table (kind text, version_id uuid, oldest_at timestamptz)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Mostly none, and then half of the query need not run.
    v_failures boolean := exists (select from progress.failure);
begin
    perform progress.settle();

    return query
    select
        turn.kind,
        turn.version_id,
        turn.oldest_at
    from (
        select
            oldest.kind,
            oldest.version_id,
            oldest.has_failed,
            min(oldest.enqueued_at) as oldest_at,
            row_number() over (partition by oldest.has_failed order by min(oldest.id)) as place
        from (
            (
                select q.id, q.kind, q.version_id, q.enqueued_at, false as has_failed
                from public.progress_refresh_queue as q
                where
                    not v_failures
                    or not exists (
                        select
                        from progress.failure as f
                        where
                            f.kind = q.kind
                            and (
                                f.version_id = q.version_id
                                or (
                                    progress.strategy() <> 'incremental'
                                    and f.next_attempt_at > clock_timestamp()
                                )
                            )
                    )
                order by q.id
                limit 20 * p_limit
            )
            union all
            select s.id, f.kind, f.version_id, s.enqueued_at, true as has_failed
            from progress.failure as f
            cross join lateral (
                select min(q.id) as id, min(q.enqueued_at) as enqueued_at
                from public.progress_refresh_queue as q
                where q.kind = f.kind and q.version_id = f.version_id
            ) as s
            where
                v_failures
                and s.id is not null
                and not exists (
                    select
                    from progress.failure as resting
                    where
                        resting.kind = f.kind
                        and (
                            resting.version_id = f.version_id
                            or progress.strategy() <> 'incremental'
                        )
                        and resting.next_attempt_at > clock_timestamp()
                )
        ) as oldest
        group by oldest.kind, oldest.version_id, oldest.has_failed
    ) as turn
    order by turn.place, turn.has_failed
    limit p_limit;
end
$$;

comment on function progress.due_versions(integer) is
'Versions with signals that are not backing off, oldest signal first, those that failed before in
turn with the others; at most p_limit. Settles changes of structure first.';

-- objects/functions/has_unsettled_changes.sql
create or replace function progress.has_unsettled_changes()
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from progress.unsettled_change);
end
$$;

comment on function progress.has_unsettled_changes() is
'Whether changes of structure wait until the transactions that ran beside them have ended.';

-- objects/functions/drain_deadline.sql
-- The other half is for the drain that is under way then.
create or replace function progress.drain_deadline(p_seconds numeric)
returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_timeout interval := current_setting('statement_timeout')::interval;
begin
    if p_seconds is null then
        raise exception 'without a number of seconds there is no end to it'
            using errcode = 'BP002';
    end if;
    return least(
        clock_timestamp() + make_interval(secs => p_seconds),
        case when v_timeout > '0' then statement_timestamp() + v_timeout / 2 end
    );
end
$$;

comment on function progress.drain_deadline(numeric) is
'Until when this statement may begin drains, if it has p_seconds: no longer than half of its
statement_timeout.';

-- objects/functions/drain.sql
-- A procedure that commits can neither pin its search_path nor run as its owner: everything is
-- fully qualified, and what it calls runs as the owner instead.
create or replace procedure progress.drain(
    p_versions integer default 50, p_seconds numeric default 4
)
language plpgsql
as $$
declare
    v_until timestamptz := progress.drain_deadline(p_seconds);
    v_due record;
    v_left integer := coalesce(p_versions, 50);
    v_before integer;
    v_rounds integer := 0;
begin
    loop
        v_before := v_left;
        for v_due in
            select d.kind, d.version_id
            from progress.due_versions(least(v_left, 50)) as d
        loop
            exit when clock_timestamp() >= v_until;
            -- A drain that a crash takes away leaves its signals. A caller's own writes must not go.
            if pg_current_xact_id_if_assigned() is null then
                perform set_config('synchronous_commit', 'off', true);
            end if;
            -- Another drain may have failed with it since it was listed: that is one attempt.
            if (
                select r.outcome
                from progress.drain_version(v_due.kind, v_due.version_id) as r
                where not progress.is_backing_off(v_due.kind, v_due.version_id)
            ) <> 'locked' then
                v_left := v_left - 1;
            end if;
            commit;
        end loop;
        exit when v_left <= 0 or clock_timestamp() >= v_until;
        -- Changes of structure settle in rounds; those that running writers hold up are left.
        v_rounds := case when v_left = v_before then v_rounds + 1 else 0 end;
        exit when v_rounds > 2 or (v_rounds > 0 and not progress.has_unsettled_changes());
    end loop;
end
$$;

comment on procedure progress.drain(integer, numeric) is -- noqa: LT01
'Drain up to p_versions versions for up to p_seconds seconds, one transaction each, and within half
of the caller''s statement_timeout. For schedulers such as pg_cron; safe to run beside workers and
itself.';

-- objects/functions/warm_up.sql
-- Plans are made once a session and take longer than a drain. A version that is nowhere makes them
-- and writes nothing; only those for timings that may add verses wait for the first.
create or replace function progress.warm_up()
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform
        progress.refresh_chapters(k.kind, k.nowhere, array[k.chapter_id]),
        progress.refresh_all_chapters(k.kind, k.nowhere),
        progress.refresh_summary(k.kind, k.nowhere, 0)
    from (
        select
            kind.name as kind,
            '00000000-0000-0000-0000-000000000000'::uuid as nowhere,
            (select c.id from public.chapters as c limit 1) as chapter_id
        from (values ('audio'), ('text')) as kind (name)
    ) as k;
end
$$;

comment on function progress.warm_up() is
'Make the plans of drains in this session, so that its first drain need not.';

-- objects/functions/beat.sql
create or replace function progress.beat(
    p_worker_id uuid, p_description text, p_drained bigint, p_last_drain_at timestamptz
)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into progress.worker as w (worker_id, description, drained, last_drain_at)
    values (p_worker_id, p_description, p_drained, p_last_drain_at)
    on conflict (worker_id) do update
    set
        seen_at = clock_timestamp(),
        drained = excluded.drained,
        last_drain_at = excluded.last_drain_at;
end
$$;

comment on function progress.beat(uuid, text, bigint, timestamptz) is
'Note that a worker runs, for the status.';

-- objects/functions/leave.sql
create or replace function progress.leave(p_worker_id uuid)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from progress.worker as w
    where
        w.worker_id = p_worker_id
        or w.seen_at < clock_timestamp() - interval '1 day';
end
$$;

comment on function progress.leave(uuid) is
'Note that a worker has ended, and forget those that were killed a day ago.';

-- objects/functions/audit.sql
-- A procedure that commits can neither pin its search_path nor run as its owner: everything is
-- fully qualified, and what it calls runs as the owner instead.
create or replace procedure progress.audit(p_versions integer default 1)
language plpgsql
as $$
declare
    -- Of a statement_timeout the first half; without one, as long as the sample takes.
    v_until timestamptz := progress.drain_deadline(3600);
    v_version record;
    v_drifted integer := 0;
begin
    for v_version in
        select v.kind, v.version_id
        from progress.auditable_versions(coalesce(p_versions, 1)) as v
    loop
        exit when clock_timestamp() >= v_until;
        v_drifted := v_drifted
            + progress.repair(v_version.kind, v_version.version_id)::integer;
        commit;
    end loop;

    -- What is queued stays queued; a scheduler shows an error where it would hide a result.
    if v_drifted > 0 then
        raise exception 'the stored numbers of % versions were wrong; they are queued', v_drifted
            using errcode = 'BP013',
            hint = 'Something wrote past the triggers. bible-progress verify shows more.';
    end if;
end
$$;

comment on procedure progress.audit(integer) is -- noqa: LT01
'Compare the stored numbers of p_versions random versions with the live ones, each in one snapshot,
and queue those that differ; then an error says how many. For schedulers; the worker does the same.';

-- objects/functions/require_schema.sql
-- Code of every release asks this, whatever it was written for: its name, argument and errors
-- never change, nor do the columns that it reads.
create or replace function progress.require_schema(p_schema_version integer)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_schema_version integer;
    v_oldest_code integer;
    v_package_version text;
begin
    select s.schema_version, s.oldest_code, s.package_version
    into v_schema_version, v_oldest_code, v_package_version
    from progress.settings as s;

    if p_schema_version < v_oldest_code then
        raise exception 'this database was upgraded to Bible Progress %, with which this older one '
            'cannot work', v_package_version
            using errcode = 'BP010',
            hint = format(
                'Install the package in version %s and start again; what waits is kept.',
                v_package_version
            );
    end if;
    if p_schema_version > v_schema_version then
        raise exception 'this database has the schema of Bible Progress %, which is too old for '
            'this one', v_package_version
            using errcode = 'BP010',
            hint = 'Upgrade the database first: bible-progress install';
    end if;
    return true;
end
$$;

comment on function progress.require_schema(integer) is
'Refuse code that knows only so many migrations where the schema and it do not fit together.';

-- objects/functions/guard.sql
create or replace function progress.guard(
    p_action text, p_automated boolean, p_override_reason text
)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if (select s.environment from progress.settings as s) <> 'production' or p_automated then
        return;
    end if;
    if p_override_reason is null or p_override_reason !~ '\S' then
        raise exception 'this is a production database: % by hand is refused', p_action
            using errcode = 'BP003',
            hint = 'The worker, pg_cron and CI may do it. To do it all the same, give '
            '--override "the reason"; the reason is recorded.';
    end if;
    insert into progress.override (action, reason)
    values (p_action, btrim(p_override_reason));
end
$$;

comment on function progress.guard(text, boolean, text) is
'Refuse a manual action in a production database, or record why it is done all the same.';

-- objects/functions/retry_dead_letters.sql
create or replace function progress.retry_dead_letters(p_ids bigint[])
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_moved integer;
begin
    with moved as (
        delete from public.progress_refresh_dead_letter as d
        where p_ids is null or d.id = any (p_ids)
        returning d.kind, d.version_id, d.chapter_id
    ),

    signalled as (
        insert into public.progress_refresh_queue (kind, version_id, chapter_id)
        select m.kind, m.version_id, m.chapter_id
        from moved as m
        on conflict (kind, version_id, chapter_id, xid) do nothing
    ),

    -- A retry is due now, whatever the last attempts did.
    forgiven as (
        delete from progress.failure as f
        using moved as m
        where f.kind = m.kind and f.version_id = m.version_id
    )

    select count(*) into v_moved from moved;
    return v_moved;
end
$$;

comment on function progress.retry_dead_letters(bigint[]) is
'Put dead letters back into the queue, all of them for NULL. Returns how many.';

-- objects/functions/discard_dead_letter.sql
create or replace function progress.discard_dead_letter(p_id bigint)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_dead public.progress_refresh_dead_letter;
begin
    delete from public.progress_refresh_dead_letter as d
    where d.id = p_id
    returning d.* into v_dead;
    if v_dead.id is null then
        raise exception 'there is no dead letter %', p_id
            using errcode = 'BP002', hint = 'See bible-progress dead-letter list.';
    end if;
    -- The letter is what keeps reads of this version exact: it may go only where it has no work.
    if exists (select from progress.drift(v_dead.kind, v_dead.version_id, true)) then
        raise exception
            'dead letter % still matters: the stored numbers of % version % differ from the texts and recordings',
            p_id, v_dead.kind, v_dead.version_id
            using errcode = 'BP004',
            hint = 'Remove the cause (see its last error) and retry it: bible-progress dead-letter retry.';
    end if;
end
$$;

comment on function progress.discard_dead_letter(bigint) is
'Drop a dead letter whose version is right all the same; refused (BP004) while it is not.';

-- objects/functions/dead_letters.sql
create or replace function progress.dead_letters()
returns table (
    id bigint,
    kind text,
    version_id uuid,
    chapter_id text,
    enqueued_at timestamptz,
    died_at timestamptz,
    attempts integer,
    last_error text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        d.id,
        d.kind,
        d.version_id,
        d.chapter_id,
        d.enqueued_at,
        d.died_at,
        d.attempts,
        d.last_error
    from public.progress_refresh_dead_letter as d
    order by d.id;
end
$$;

comment on function progress.dead_letters() is
'Every dead letter, the oldest first.';

-- objects/functions/failures.sql
create or replace function progress.failures(p_limit integer)
returns table (
    kind text,
    version_id uuid,
    attempts integer,
    next_attempt_at timestamptz,
    last_error text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select f.kind, f.version_id, f.attempts, f.next_attempt_at, f.last_error
    from progress.failure as f
    order by f.failed_at desc
    limit p_limit;
end
$$;

comment on function progress.failures(integer) is
'Versions whose last drain failed, the latest first, at most p_limit.';

-- objects/functions/waiting_versions.sql
create or replace function progress.waiting_versions(p_limit integer)
returns table (kind text, version_id uuid, signals bigint, oldest_at timestamptz)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select q.kind, q.version_id, count(*), min(q.enqueued_at)
    from public.progress_refresh_queue as q
    group by q.kind, q.version_id
    order by min(q.id)
    limit p_limit;
end
$$;

comment on function progress.waiting_versions(integer) is
'The versions in the queue with how many signals they have and since when, the longest first, at
most p_limit.';

-- objects/functions/measurements.sql
create or replace function progress.measurements()
returns table (
    measured_at timestamptz,
    step integer,
    subject text,
    name text,
    source text,
    samples integer,
    p50 double precision,
    p95 double precision,
    p99 double precision,
    bytes bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        m.measured_at,
        m.step,
        m.subject,
        m.name,
        m.source,
        m.samples,
        m.p50,
        m.p95,
        m.p99,
        m.bytes
    from progress.measurement as m
    where
        m.run_id = (
            select l.run_id
            from progress.measurement as l
            order by l.id desc
            limit 1
        )
    order by m.id
    limit 200;
end
$$;

comment on function progress.measurements() is
'What the last run of rollout measure found.';

-- objects/functions/overrides.sql
create or replace function progress.overrides()
returns table (action text, reason text, overridden_by text, overridden_at timestamptz)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select o.action, o.reason, o.overridden_by, o.overridden_at
    from progress.override as o
    order by o.id desc;
end
$$;

comment on function progress.overrides() is
'What was forced in a production database, by whom and why, the latest first.';

-- objects/functions/signal_version.sql
-- Both kinds are looked at: whoever gives an id need not know which it is.
create or replace function progress.signal_version(p_version_id uuid)
returns setof text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind text;
begin
    for v_kind in
        select v.kind
        from progress.versions as v
        where v.version_id = p_version_id
        union
        select r.kind
        from progress.version_rollup as r
        where r.version_id = p_version_id
    loop
        perform progress.signal(v_kind, array[p_version_id], array[null::text]);
        return next v_kind;
    end loop;
end
$$;

comment on function progress.signal_version(uuid) is
'Queue a version as a whole; returns its kinds, none for an id that nothing has.';

-- objects/functions/repair.sql
create or replace function progress.repair(p_kind text, p_version_id uuid)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from progress.drift(p_kind, p_version_id)) then
        return false;
    end if;
    perform progress.signal(p_kind, array[p_version_id], array[null::text]);
    return true;
end
$$;

comment on function progress.repair(text, uuid) is
'Queue a version whose stored numbers are wrong; whether they were.';

-- objects/functions/cron_database.sql
create or replace function progress.cron_database()
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from pg_catalog.pg_extension as e where e.extname = 'pg_cron') then
        return current_database();
    end if;
    return nullif(current_setting('cron.database_name', true), '');
exception
    -- Some roles may not read where it is.
    when insufficient_privilege then
        return null;
end
$$;

comment on function progress.cron_database() is
'The database of this server that pg_cron lives in; NULL where there is none to be seen.';

-- objects/functions/cron_jobs.sql
-- The name of a job holds the database: pg_cron has one list of jobs for all databases of a server.
create or replace function progress.cron_jobs(
    p_every_seconds integer default 60, p_cron_version text default null
)
returns table (name text, schedule text, command text, runs_in text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_names text[] := array[
        format('bible-progress drain (%s)', current_database()),
        format('bible-progress audit (%s)', current_database()),
        format('bible-progress purge (%s)', current_database())
    ];
begin
    if not coalesce(
        p_every_seconds between 1 and 59
        or (p_every_seconds between 60 and 1800 and 3600 % p_every_seconds = 0
            and p_every_seconds % 60 = 0),
        false
    ) then
        raise exception 'pg_cron cannot run a job every % seconds', coalesce(p_every_seconds, 0)
            using errcode = 'BP002',
            hint = 'Give 1 to 59 seconds, or minutes that divide an hour: 60, 120, 300, 600.';
    end if;
    if
        p_every_seconds < 60
        and string_to_array(substring(p_cron_version from '^[0-9]+[.][0-9]+'), '.')::integer[]
        < array[1, 5]
    then
        raise exception 'pg_cron % has no schedules in seconds', p_cron_version
            using errcode = 'BP002',
            hint = 'Give 60 seconds or more, or update pg_cron to 1.5: alter extension pg_cron update.';
    end if;

    return query
    values
    (
        v_names[1],
        case
            when p_every_seconds < 60 then p_every_seconds || ' seconds'
            when p_every_seconds = 60 then '* * * * *'
            else '*/' || p_every_seconds / 60 || ' * * * *'
        end,
        -- A call that takes longer than its period would only put the next one off.
        format(
            'call progress.drain(p_versions => 1000000, p_seconds => %s)',
            round(least(0.8 * p_every_seconds, 240), 1)
        ),
        current_database()::text
    ),
    (v_names[2], '* * * * *', 'call progress.audit(2)', current_database()::text),
    (
        v_names[3],
        '7 * * * *',
        -- pg_cron keeps a row of every run for ever. Failures stay longer, for people to see.
        format(
            'delete from cron.job_run_details as d where d.jobid in (select j.jobid from cron.job'
            ' as j where j.jobname = any (%L)) and d.status in (''succeeded'', ''failed'') and'
            ' coalesce(d.end_time, d.start_time, ''-infinity'') < now() - case d.status'
            ' when ''failed'' then interval ''7 days'' else interval ''1 day'' end',
            v_names
        ),
        progress.cron_database()
    );
end
$$;

comment on function progress.cron_jobs(integer, text) is
'The jobs that pg_cron runs in place of a worker: drain, audit, and the purge of its own log of
their runs, which is in the database of pg_cron. Refuses a period that pg_cron, or p_cron_version of
it, cannot keep.';

-- objects/functions/schedule.sql
-- What calls pg_cron is built when it runs: where that is absent, nothing names what is not there.
create or replace function progress.schedule(p_every_seconds integer default 60)
returns setof text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_version text;
    v_job record;
begin
    select e.extversion into v_version
    from pg_catalog.pg_extension as e
    where e.extname = 'pg_cron';
    if v_version is null then
        raise exception 'pg_cron is not in database %', current_database()
            using errcode = 'BP012',
            hint = case
                when progress.cron_database() is null then
                    'Load it into the server (shared_preload_libraries) and create extension '
                    'pg_cron; or let bible-progress worker drain. In another database of this '
                    'server only roles with pg_read_all_settings see it.'
                when progress.cron_database() = current_database() then
                    'As a superuser: create extension pg_cron'
                else
                    'It lives in database ' || progress.cron_database()
                    || ': bible-progress schedule puts the jobs there.'
            end;
    end if;
    if not has_schema_privilege('cron', 'usage') then
        raise exception 'role % may not use pg_cron', current_user
            using errcode = 'BP012',
            hint = format('As a superuser: grant usage on schema cron to %I', current_user);
    end if;

    update progress.settings set cron_database = current_database();
    for v_job in
        select j.name, j.schedule, j.command
        from progress.cron_jobs(p_every_seconds, v_version) as j
    loop
        execute format(
            'select %I.schedule(%L, %L, %L)', 'cron', v_job.name, v_job.schedule, v_job.command
        );
        return next v_job.name;
    end loop;
end
$$;

comment on function progress.schedule(integer) is
'Let pg_cron, in this database, drain every so many seconds, audit, and purge its log; returns the
names of the jobs. Again with another period, it changes them. bible-progress schedule does it where
pg_cron lives in another database.';

-- objects/functions/unschedule.sql
create or replace function progress.unschedule()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_jobs integer := 0;
begin
    if
        exists (select from pg_catalog.pg_extension as e where e.extname = 'pg_cron')
        -- A role that may not look has scheduled nothing, unless it once might.
        and (
            has_schema_privilege('cron', 'usage')
            or exists (
                select
                from progress.settings as s
                where s.cron_database = current_database()
            )
        )
    then
        -- The log of their runs goes first: it is found by the jobs.
        execute format(
            'delete from %1$I.job_run_details as d where d.jobid in'
            ' (select j.jobid from %1$I.job as j where j.jobname = any ($1))',
            'cron'
        ) using array(select j.name from progress.cron_jobs() as j);
        execute format(
            'select count(%1$I.unschedule(j.jobid)) from %1$I.job as j where j.jobname = any ($1)',
            'cron'
        ) into v_jobs using array(select j.name from progress.cron_jobs() as j);
    end if;
    update progress.settings set cron_database = null where cron_database = current_database();
    return v_jobs;
end
$$;

comment on function progress.unschedule() is
'Take our jobs, and the log of their runs, from pg_cron in this database; returns how many jobs.';

-- objects/views/status.sql
create view progress.status
with (security_invoker = true) as
select
    s.package_version,
    s.schema_version,
    s.environment,
    progress.strategy() as strategy,
    s.rollout_step,
    current_setting('server_version') as server_version,
    (
        select count(*)
        from progress.versions as v
        where v.kind = 'audio'
    ) as audio_versions,
    (
        select count(*)
        from progress.versions as v
        where v.kind = 'text'
    ) as text_versions,
    (select count(*) from progress.version_rollup) as stored_versions,
    (select count(*) from public.progress_refresh_queue) as queue_depth,
    (
        select count(*)
        from (
            select
                d.kind,
                d.version_id
            from progress.signalled as d
            group by d.kind, d.version_id
        ) as v
    ) as dirty_versions,
    coalesce(
        extract(
            epoch from clock_timestamp() - (
                select min(q.enqueued_at) from public.progress_refresh_queue as q
            )
        ),
        0
    )::double precision as oldest_signal_seconds,
    (select count(*) from progress.unsettled_change) as unsettled_changes,
    (select count(*) from progress.failure) as failing_versions,
    (select count(*) from public.progress_refresh_dead_letter) as dead_letters,
    greatest(
        (select max(w.last_drain_at) from progress.worker as w),
        (select max(r.refreshed_at) from progress.version_rollup as r)
    ) as last_drain_at,
    (
        select count(*)
        from progress.worker as w
        where w.seen_at > clock_timestamp() - interval '15 seconds'
    ) as workers,
    s.cron_database
from progress.settings as s;

comment on view progress.status is
'One row: what there is, what waits, and whether anything drains.';

-- objects/functions/current_status.sql
create or replace function progress.current_status()
returns table (
    package_version text,
    schema_version integer,
    environment text,
    strategy text,
    rollout_step integer,
    server_version text,
    audio_versions bigint,
    text_versions bigint,
    stored_versions bigint,
    queue_depth bigint,
    dirty_versions bigint,
    oldest_signal_seconds double precision,
    unsettled_changes bigint,
    failing_versions bigint,
    dead_letters bigint,
    last_drain_at timestamptz,
    workers bigint,
    cron_database text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select s.*
    from progress.status as s;
end
$$;

comment on function progress.current_status() is
'What progress.status shows, for roles that may not read what it counts.';

-- objects/functions/sight.sql
-- With the rights of who calls: this is where row security decides for the functions that clients
-- call, which hand what it returns to functions that run as their owner.
-- Every column of versions, languages, canons and books that a document shows is named, so that a
-- role which may not read one is refused. Objects, since keys are found sooner than array items.
create or replace function progress.sight(
    p_version_ids uuid[], p_language_entity_ids uuid[] default '{}'
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_languages uuid[];
    v_canons text[];
begin
    if cardinality(p_version_ids) > 8 then
        raise exception 'this takes eight versions at once at most' using errcode = 'BP002';
    end if;

    select
        array_agg(n.language_entity_id) || p_language_entity_ids,
        array_agg(distinct n.bible_version_id)
    into v_languages, v_canons
    from (
        select a.language_entity_id, a.bible_version_id::text as bible_version_id
        from public.audio_versions as a
        where a.id = any (p_version_ids) and a.deleted_at is null
        union all
        select t.language_entity_id, t.bible_version_id::text
        from public.text_versions as t
        where t.id = any (p_version_ids) and t.deleted_at is null
    ) as n;

    return jsonb_build_object(
        'audio', (
            select coalesce(jsonb_object_agg(v.id, true), '{}')
            from (
                select a.id, a.name, a.bible_version_id, a.created_at
                from public.audio_versions as a
                where
                    a.deleted_at is null
                    and (a.id = any (p_version_ids) or a.language_entity_id = any (v_languages))
            ) as v
        ),
        'text', (
            select coalesce(jsonb_object_agg(v.id, true), '{}')
            from (
                select t.id, t.name, t.bible_version_id, t.created_at
                from public.text_versions as t
                where
                    t.deleted_at is null
                    and (t.id = any (p_version_ids) or t.language_entity_id = any (v_languages))
            ) as v
        ),
        -- With parents and children of those asked for.
        'languages', (
            select coalesce(jsonb_object_agg(l.id, true), '{}')
            from (
                select s.id, s.name, s.level, s.parent_id, s.deleted_at
                from public.language_entities as s
                where
                    s.id = any (v_languages)
                    or s.parent_id = any (p_language_entity_ids)
                    or s.id in (
                        select c.parent_id
                        from public.language_entities as c
                        where c.id = any (p_language_entity_ids)
                    )
            ) as l
        ),
        'canons', (
            select coalesce(jsonb_object_agg(c.id, true), '{}')
            from (
                select b.id, b.name
                from public.bible_versions as b
                where b.id = any (v_canons)
            ) as c
        ),
        'books', (
            select coalesce(jsonb_object_agg(k.id, true), '{}')
            from (
                select b.id, b.name, b.book_number, b.testament
                from public.books as b
                where b.bible_version_id = any (v_canons)
            ) as k
        )
    );
end
$$;

comment on function progress.sight(uuid[], uuid[]) is
'What the calling role may see of these versions and languages: by row security and its own rights,
the ids of those that are there and what belongs to them, versions of the same languages included.
Functions that take it as p_sight answer as if nothing else were there; NULL stands for everything.';

-- objects/functions/progress_tree.sql
-- Resolved when it is made, so that callers need no right to the schema of what it calls.
create or replace function public.progress_tree(
    kind text, version_id uuid, depth text default 'chapter', book_id text default null
)
returns json
language sql
stable
set search_path = pg_catalog, pg_temp
return progress.tree(
    progress_tree.kind,
    progress_tree.version_id,
    progress_tree.depth,
    progress_tree.book_id,
    false,
    progress.sight(array[progress_tree.version_id])
);

comment on function public.progress_tree(text, uuid, text, text) is
'A version, kind audio or text, with its books and their chapters as one document, exact: what
GET /api/v1/versions/{kind}/{version_id}/tree answers. depth is version, book or chapter; book_id
keeps one book. NULL for a version that is not there or that row security hides.';

-- objects/functions/progress_gaps.sql
-- Resolved when it is made, so that callers need no right to the schema of what it calls.
create or replace function public.progress_gaps(
    kind text,
    version_id uuid,
    max_chapters integer default 200,
    after_chapter_id text default null
)
returns json
language sql
stable
set search_path = pg_catalog, pg_temp
return progress.gap_list(
    progress_gaps.kind,
    progress_gaps.version_id,
    progress_gaps.max_chapters,
    progress_gaps.after_chapter_id,
    false,
    progress.sight(array[progress_gaps.version_id])
);

comment on function public.progress_gaps(text, uuid, integer, text) is
'What a version lacks in canon order, one item a chapter, as one document, exact: what
GET /api/v1/versions/{kind}/{version_id}/gaps answers. At most max_chapters, 1 to 1500;
next_cursor of the document is the after_chapter_id for those that follow. NULL for a version that is
not there or that row security hides.';

-- objects/functions/progress_compare.sql
-- Resolved when it is made, so that callers need no right to the schema of what it calls.
create or replace function public.progress_compare(kinds text[], version_ids uuid[])
returns json
language sql
stable
set search_path = pg_catalog, pg_temp
return progress.comparison(
    progress_compare.kinds,
    progress_compare.version_ids,
    false,
    progress.sight(progress_compare.version_ids)
);

comment on function public.progress_compare(text[], uuid[]) is
'What each of two to eight versions of one canon has that none of the others has, and what it lacks,
as one document, exact: what GET /api/v1/compare answers. The first of kinds belongs to the first of
version_ids, and so on. NULL where one is not there or row security hides it; refused (BP002) for
different canons.';

-- objects/functions/progress_best_versions.sql
-- Resolved when it is made, so that callers need no right to the schema of what it calls.
create or replace function public.progress_best_versions(
    language_entity_id uuid, descendants boolean default false
)
returns json
language sql
stable
set search_path = pg_catalog, pg_temp
return progress.language(
    progress_best_versions.language_entity_id,
    progress_best_versions.descendants,
    false,
    progress.sight(
        '{}',
        case
            when progress_best_versions.descendants
                then array(
                    select
                        progress.language_descendants(
                            progress_best_versions.language_entity_id -- noqa: RF01
                        )
                )
            else array[progress_best_versions.language_entity_id]
        end
    )
);

comment on function public.progress_best_versions(uuid, boolean) is
'A language with its best recording and its best text and why they are, as one document, exact: what
GET /api/v1/languages/{id} answers. With descendants, versions of the languages below it count too.
NULL for a language that is not there or that row security hides; versions that it hides do not
count.';

-- objects/functions/progress_refresh.sql
-- PostgREST applies the timeout before it calls; within then says the same. Other callers keep
-- their own, which a function that sets one could not see: a default is worked out before that.
-- One transaction: what is drained shows when all of it is.
create or replace function public.progress_refresh(
    seconds numeric default 4, within text default current_setting('statement_timeout')
)
returns json
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set statement_timeout = '60s'
as $$
declare
    v_began timestamptz := clock_timestamp();
    v_until timestamptz;
    v_due record;
    v_outcome text;
    v_drained integer := 0;
    v_failed integer := 0;
    v_remaining bigint;
begin
    if seconds > 0 and seconds <= 50 then
        perform set_config('statement_timeout', within, true);
        v_until := progress.drain_deadline(seconds);
    else
        raise exception 'seconds is %, not above 0 and at most 50', coalesce(seconds::text, 'null')
            using errcode = 'BP002';
    end if;

    -- Each failure is a subtransaction, of which a session keeps 64 at hand.
    for v_due in
        select d.kind, d.version_id
        from progress.due_versions(50) as d
    loop
        exit when clock_timestamp() >= v_until;
        -- A drain that a crash takes away leaves its signals. A caller's own writes must not go.
        if pg_current_xact_id_if_assigned() is null then
            perform set_config('synchronous_commit', 'off', true);
        end if;
        v_outcome := (
            select r.outcome
            from progress.drain_version(v_due.kind, v_due.version_id) as r
        );
        v_drained := v_drained + (v_outcome = 'drained')::integer;
        v_failed := v_failed + (v_outcome in ('failed', 'dead'))::integer;
    end loop;

    -- It is not worth what was drained.
    begin
        v_remaining := (select s.dirty_versions from progress.status as s);
    exception
        when query_canceled then
            v_remaining := null;
    end;
    return json_build_object(
        'drained', v_drained,
        'failed', v_failed,
        'seconds', round(extract(epoch from clock_timestamp() - v_began), 3),
        'remaining', v_remaining
    );
end
$$;

comment on function public.progress_refresh(numeric, text) is
'Drain what waits for up to seconds, at most 50 of them and 50 versions, for schedulers that can
call a function but no procedure; safe to overlap. Returns how many versions were drained, how many failed
and how many remain, NULL where there was no time to count. Leave within out: it is the caller''s
statement_timeout, of which the first half is used.';

-- relationships.sql
-- One function for each row of progress.relationships, named after the relation that it returns and
-- taking a row of the one that it belongs to: this is how PostgREST learns what it may embed where
-- no foreign key says so. Where a strategy has no such relation there is no function.
--
-- Not inlined, because the search_path is pinned, and better so: the planner would compute views
-- that aggregate for every version before it joins (docs/decisions/0010-relationships.md). Bodies
-- are text, so that a column which the host adds to its table joins the rows that are returned.
do $$
declare
    v_relationship record;
    v_function text;
begin
    for v_relationship in
        select
            r.source,
            r.target,
            r.is_one,
            (
                select string_agg(format('r.%I = $1.%I', c.target, c.source), ' and ')
                from unnest(r.source_columns, r.target_columns) as c (source, target)
            ) as condition
        from progress.relationships as r
        where
            to_regclass(format('public.%I', r.source)) is not null
            and to_regclass(format('public.%I', r.target)) is not null
    loop
        v_function := format('public.%I(public.%I)', v_relationship.target, v_relationship.source);
        execute format(
            'create or replace function %s returns setof public.%I language sql stable rows %s'
            ' set search_path = pg_catalog, pg_temp as %L',
            v_function,
            v_relationship.target,
            case when v_relationship.is_one then 1 else 1000 end,
            format(
                'select r.* from public.%I as r where %s',
                v_relationship.target,
                v_relationship.condition
            )
        );
        execute format(
            'comment on function %s is %L',
            v_function,
            format(
                case
                    when v_relationship.is_one then 'The row of %s for a row of %s.'
                    else 'The rows of %s for a row of %s.'
                end,
                v_relationship.target,
                v_relationship.source
            )
        );
    end loop;
end
$$;

-- grants.sql
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
        select f.oid
        from progress.relationships as r
        cross join lateral to_regprocedure(
            format('public.%I(public.%I)', r.target, r.source)
        ) as f (oid)
        where f.oid is not null
    );
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

    -- Whatever others were given before, by an earlier install or by default privileges of the
    -- host, such as those of Supabase for everything in public, is taken back first.
    for v_revoke in
        with ours as (
            select
                'schema' as kind,
                n.nspname::regnamespace::text as name,
                n.nspowner as owner,
                n.nspacl as acl
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
                )
            from pg_catalog.pg_class as c
            where
                c.relkind in ('r', 'v', 'm', 'S')
                and (
                    c.relnamespace = 'progress'::regnamespace
                    or (
                        c.relnamespace = 'public'::regnamespace
                        and (
                            c.relname ~ '^progress_refresh_(queue|dead_letter)(_id_seq)?$'
                            or c.relname ~ v_contract
                        )
                    )
                )
            union all
            select
                'routine',
                p.oid::regprocedure::text,
                p.proowner,
                p.proacl
            from pg_catalog.pg_proc as p
            where
                p.pronamespace = 'progress'::regnamespace
                or p.oid = any ((v_clients || v_refresh)::oid[])
                or p.oid = any (v_relationships)
        )

        select format('revoke all on %s %s from %s cascade', o.kind, o.name, g.grantee)
        from ours as o
        cross join lateral (
            select 'public' as grantee
            union
            select quote_ident(r.rolname)
            from aclexplode(o.acl) as a
            inner join pg_catalog.pg_roles as r on a.grantee = r.oid
            where a.grantee <> o.owner
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
        execute format(
            'grant select on progress.chapter_bitmap, progress.book_rollup,'
            ' progress.version_rollup, progress.versions, progress.canon_chapters,'
            ' progress.recordings, progress.recorded_verses,'
            ' progress.live_verses, progress.live_chapters, progress.rollup_chapters,'
            ' progress.stored_verses, progress.stored_chapters, progress.stored_books,'
            ' progress.stored_versions, progress.chapters_by_source, progress.books_by_source,'
            ' progress.versions_by_source, progress.best_versions_by_source to %s',
            v_role
        );
        execute format(
            'grant execute on function progress.fraction, progress.chapter_fraction,'
            ' progress.is_complete, progress.rank, progress.blank_characters, progress.text_counts,'
            ' progress.media_counts to %s',
            v_role
        );
        execute 'grant execute on function '
        || array_to_string(v_relationships::regprocedure[], ', ')
        || ' to ' || v_role;
        -- Without usage of the schema what the first four call is out of reach by name.
        execute format(
            'grant execute on function %s, progress.tree, progress.gap_list,'
            ' progress.comparison, progress.language, progress.sight,'
            ' progress.language_descendants to %s',
            array_to_string(v_clients, ', '),
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
            ' progress.require_schema, progress.beat, progress.leave, progress.guard,'
            ' progress.current_status, progress.failures, progress.waiting_versions,'
            ' progress.auditable_versions, progress.is_dirty, progress.drift, progress.repair,'
            ' progress.lying_totals,'
            ' progress.version_list, progress.tree, progress.book_list, progress.chapter_list,'
            ' progress.chapter, progress.gap_list, progress.comparison, progress.history,'
            ' progress.language_list, progress.language, progress.freshness,'
            ' progress.freshness_of, progress.language_freshness, progress.version_states,'
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

-- A first installation, or one whose triggers were off and may have missed changes.
do $bible_progress$
begin
    if current_setting('bible_progress.signals_everything')::boolean then
        execute 'select
    progress.signal_all(''audio''),
    progress.signal_all(''text'');';
    end if;
end
$bible_progress$;

-- Without a version there is no signal, and so no drain that would fill them.
select progress.refresh_materialized_views(kind.name)
from (values ('audio'), ('text')) as kind (name)
where
    progress.strategy() = 'matview'
    and not progress.is_filled()
    and not exists (select from progress.versions);

select set_config('search_path', current_setting('bible_progress.search_path'), true);

notify pgrst, 'reload schema';
