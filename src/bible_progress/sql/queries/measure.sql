-- name: levels
select
    l.level,
    l.kind,
    l.stored,
    l.live,
    l.key_column,
    coalesce(c.relispopulated, false) as is_stored
from progress.levels as l
left join pg_catalog.pg_class as c on to_regclass(l.stored) = c.oid
order by
    l.position,
    l.kind;

-- name: sample_versions
select v.version_id
from progress.versions as v
where v.kind = %(kind)s
order by md5(v.version_id::text || %(seed)s::text)
limit %(at_most)s;

-- name: sample_languages
select l.language_entity_id
from (
    select v.language_entity_id
    from progress.versions as v
    where v.kind = %(kind)s
    group by v.language_entity_id
) as l
order by md5(l.language_entity_id::text || %(seed)s::text)
limit %(at_most)s;

-- name: exact_verse
select
    verse_id,
    chapter_id
from progress.exact_verses(%(kind)s, %(id)s);

-- name: exact_chapter
select
    book_id,
    chapter_id,
    covered_verses,
    total_verses
from progress.exact_chapters(%(kind)s, %(id)s);

-- name: exact_book
select
    book_id,
    covered_verses,
    total_verses,
    complete_chapters,
    total_chapters
from progress.exact_books(%(kind)s, %(id)s);

-- name: exact_version
select
    covered_verses,
    total_verses,
    books_complete,
    total_books
from progress.exact_version(%(kind)s, %(id)s);

-- name: exact_language
select progress.exact_best_version(%(kind)s, %(id)s);

-- name: versions
select count(*) as versions
from progress.versions as v
where v.kind = %(kind)s;

-- name: refresh_materialized_views
select progress.refresh_materialized_views(%(kind)s);

-- name: recompute
select
    progress.refresh_all_chapters(%(kind)s, %(id)s),
    progress.refresh_summary(%(kind)s, %(id)s, 0);

-- name: chapter_of
select c.chapter_id
from progress.versions as v
inner join progress.canon_chapters as c on v.bible_version_id = c.bible_version_id
where v.kind = %(kind)s and v.version_id = %(id)s
order by
    c.book_number,
    c.chapter_number
limit 1;

-- name: signal
select progress.signal(%(kind)s, array[%(id)s::uuid], array[%(chapter_id)s::text]);

-- name: drain
select
    outcome,
    error
from progress.drain_version(%(kind)s, %(id)s);

-- name: sizes
select
    n.nspname || '.' || c.relname as name,
    pg_total_relation_size(c.oid) as bytes
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
where
    (
        n.nspname = 'progress'
        and c.relname in ('chapter_bitmap', 'book_rollup', 'version_rollup', 'version_history')
    )
    or (n.nspname = 'public' and c.relkind = 'm' and c.relname like 'mv\_%%')
    or (n.nspname = 'public' and c.relname = 'progress_refresh_queue')
order by name;

-- name: write_text
explain (analyze, format json)
update public.verse_texts as t
set verse_text = case when progress.text_counts(t.verse_text, null) then '' else 'Words.' end
where
    t.ctid = (
        select s.ctid
        from public.verse_texts as s
        where s.text_version_id = %(id)s
        limit 1
    );

-- name: write_audio
explain (analyze, format json)
update public.media_files as f
set deleted_at = case when f.deleted_at is null then now() end
where
    f.ctid = (
        select s.ctid
        from public.media_files as s
        where s.audio_version_id = %(id)s
        limit 1
    );

-- name: set_timeouts
select
    set_config('statement_timeout', %(statement)s::text, true),
    set_config('lock_timeout', '1s', true);

-- name: set_statement_timeout
select set_config('statement_timeout', %(statement)s::text, true);

-- name: keep
insert into progress.measurement (
    run_id, step, subject, name, level, kind, source, temperature, readers, samples,
    p50, p95, p99, bytes, note
)
values (
    %(run_id)s, %(step)s, %(subject)s, %(name)s, %(level)s, %(kind)s, %(source)s,
    %(temperature)s, %(readers)s, %(samples)s, %(p50)s, %(p95)s, %(p99)s, %(bytes)s, %(note)s
);

-- name: latest
-- The last run of every step.
select
    m.step,
    m.measured_at,
    m.subject,
    m.name,
    m.level,
    m.kind,
    m.source,
    m.temperature,
    m.readers,
    m.samples,
    m.p50,
    m.p95,
    m.p99,
    m.bytes,
    m.note
from progress.measurement as m
inner join (
    select distinct on (r.step)
        r.step,
        r.run_id
    from progress.measurement as r
    order by
        r.step asc,
        r.id desc
) as last_run
    on m.run_id = last_run.run_id
order by
    m.step,
    m.id;
