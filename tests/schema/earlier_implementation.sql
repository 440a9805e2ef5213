-- An earlier implementation of the contract's names over host tables like ours: views, materialized
-- views, a queue of one row a version, row triggers, refresh and drain functions; and what a host
-- made of them meanwhile.

create view text_verse_coverage as
select
    text_version_id,
    verse_id
from verse_texts
where deleted_at is null and verse_text is not null;

create view audio_verse_coverage as
select distinct
    f.audio_version_id,
    v.id as verse_id
from media_files as f
inner join verses as v on v.chapter_id = f.chapter_id or v.id = f.start_verse_id
where f.audio_version_id is not null and f.publish_status = 'published';

create materialized view mv_text_verse_coverage as select * from text_verse_coverage;
create unique index on mv_text_verse_coverage (text_version_id, verse_id);
create materialized view mv_audio_verse_coverage as select * from audio_verse_coverage;

create view text_version_progress_summary as
select
    tv.id as text_version_id,
    count(c.verse_id) as covered_verses,
    (
        select count(*)
        from verses as v
        inner join chapters as ch on v.chapter_id = ch.id
        inner join books as b on ch.book_id = b.id
        where b.bible_version_id = tv.bible_version_id
    ) as total_verses
from text_versions as tv
left join mv_text_verse_coverage as c on tv.id = c.text_version_id
group by tv.id;

create materialized view mv_text_version_progress_summary as
select
    s.*,
    round(s.covered_verses::numeric / nullif(s.total_verses, 0), 4)::double precision
    as verse_fraction
from text_version_progress_summary as s;
create unique index on mv_text_version_progress_summary (text_version_id);

-- A view between two materialized views: neither kind can be dropped in one go.
create view language_entity_best_text_version as
select distinct on (tv.language_entity_id)
    tv.language_entity_id,
    tv.id as text_version_id
from text_versions as tv
inner join mv_text_version_progress_summary as s on tv.id = s.text_version_id
order by tv.language_entity_id asc, s.verse_fraction desc nulls last;

create materialized view mv_language_entity_best_text_version as
select * from language_entity_best_text_version;

create table progress_refresh_queue (
    id bigserial primary key,
    kind text not null,
    version_id uuid not null,
    enqueued_at timestamptz not null default now(),
    unique (kind, version_id)
);

create function enqueue_progress_refresh(p_kind text, p_version_id uuid) returns void
language plpgsql as $$
begin
    insert into progress_refresh_queue (kind, version_id) values (p_kind, p_version_id)
    on conflict do nothing;
end
$$;

create function enqueue_text_change() returns trigger language plpgsql as $$
begin
    perform enqueue_progress_refresh('text', coalesce(new.text_version_id, old.text_version_id));
    return null;
end
$$;

create function enqueue_audio_change() returns trigger language plpgsql as $$
begin
    if coalesce(new.audio_version_id, old.audio_version_id) is not null then
        perform enqueue_progress_refresh('audio', coalesce(new.audio_version_id, old.audio_version_id));
    end if;
    return null;
end
$$;

-- Of a name of its own, and nothing but a call.
create function trg_timings_changed() returns trigger language plpgsql security definer as $$
declare
    v_version uuid;
begin
    -- Which version is it of? (Files move, too.)
    select f.audio_version_id into v_version
    from public.media_files as f
    where f.id = coalesce(new.media_file_id, old.media_file_id);
    if tg_op = 'DELETE' then
        perform public.enqueue_progress_refresh('audio'::text, v_version);
        return old;
    end if;
    perform public.enqueue_progress_refresh('audio', v_version);
    return new;
end;
$$;

create trigger timings_changed after insert or update or delete on media_files_verses
for each row execute function trg_timings_changed();
create trigger trg_enqueue_text after insert or update or delete on verse_texts
for each row execute function enqueue_text_change();
create trigger trg_enqueue_audio after insert or update or delete on media_files
for each row execute function enqueue_audio_change();

-- Statistics of the host that rode along.
create materialized view mv_listens as
select
    language_entity_id,
    count(*) as files
from media_files
group by language_entity_id;

create function refresh_progress_views() returns void language plpgsql security definer as $$
begin
    refresh materialized view mv_text_verse_coverage;
    refresh materialized view mv_audio_verse_coverage;
    refresh materialized view mv_text_version_progress_summary;
    refresh materialized view mv_language_entity_best_text_version;
    refresh materialized view mv_listens;
end
$$;

create function refresh_progress_views_safely() returns boolean language plpgsql as $$
begin
    perform refresh_progress_views();
    return true;
exception when others then
    return false;
end
$$;

create function drain_progress_refresh_queue() returns integer language plpgsql as $$
declare
    v_drained integer;
begin
    perform refresh_progress_views_safely();
    delete from progress_refresh_queue;
    get diagnostics v_drained = row_count;
    return v_drained;
end
$$;

-- What is not part of it, for all its names.
create table outbox (id bigserial primary key, address text not null);
create function enqueue_email(p_address text) returns void language sql
as $$ insert into outbox (address) values (p_address) $$;
create function drain_outbox() returns void language sql as $$ delete from outbox $$;

-- What the host made of it.
create view dashboard as
select
    tv.name,
    s.covered_verses,
    s.total_verses,
    s.verse_fraction
from mv_text_version_progress_summary as s
inner join text_versions as tv on s.text_version_id = tv.id;
comment on view dashboard is 'For the front page.';
comment on column dashboard.name is 'As the translators call it.';
alter view dashboard alter column name set default 'none';
alter view dashboard set (security_barrier = true);

create view dashboard_totals as
select sum(covered_verses) as covered_verses from dashboard;

create function covered_by(p_version uuid) returns bigint language plpgsql stable as $$
begin
    return (
        select covered_verses
        from mv_text_version_progress_summary
        where text_version_id = p_version
    );
end
$$;
