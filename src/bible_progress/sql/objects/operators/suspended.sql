-- While Bible Progress is suspended every view of ours is made of this. The error is the one of
-- require_schema, which code of every release understands: it ends, and asks for an install.
create or replace function progress.suspended()
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_since constant timestamptz := (select s.suspended_at from progress.settings as s);
begin
    if v_since is null then
        return null;
    end if;
    raise exception 'Bible Progress is suspended in this database since %',
        to_char(v_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
        using errcode = 'BP010',
        hint = 'Once the host tables are as they shall be: bible-progress install';
end
$$;

comment on function progress.suspended() is
'Refuse to go on where bible-progress suspend has taken views and triggers off.';
