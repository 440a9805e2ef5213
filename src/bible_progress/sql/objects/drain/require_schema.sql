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
    perform progress.suspended();
    return true;
end
$$;

comment on function progress.require_schema(integer) is
'Refuse code that knows only so many migrations where the schema and it do not fit together.';
