-- Where an API serves schema public, or default privileges give new tables away, the tables that
-- host_tables.sql has made would be open to whoever has a public key. They stay closed until their
-- owner decides: row security on, no policy, no grant.

do $$
declare
    v_statement text;
begin
    for v_statement in
        with tables as (
            select
                c.oid::regclass as name,
                c.relowner,
                c.relacl
            from pg_catalog.pg_class as c
            where
                c.relnamespace = 'public'::regnamespace
                and c.relname in (
                    'users', 'bible_versions', 'books', 'chapters', 'verses', 'language_entities',
                    'audio_versions', 'text_versions', 'media_files', 'media_files_verses',
                    'verse_texts'
                )
        ),

        grants as (
            select distinct
                t.name,
                g.grantee
            from tables as t
            cross join lateral aclexplode(t.relacl) as g
            where g.grantee <> t.relowner
        )

        select
            format(
                'revoke all on %s from %s cascade', g.name, coalesce(quote_ident(r.rolname), 'public')
            )
        from grants as g
        left join pg_catalog.pg_roles as r on g.grantee = r.oid
        union all
        select format('alter table %s enable row level security', t.name)
        from tables as t
        where
            exists (select from grants)
            or exists (
                select
                from pg_catalog.pg_roles as r
                where r.rolname in ('anon', 'authenticated', 'service_role')
            )
    loop
        execute v_statement;
    end loop;
end
$$;
