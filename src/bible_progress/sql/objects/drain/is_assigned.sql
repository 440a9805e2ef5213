-- A snapshot does not tell: a running transaction may have a number beyond its end.
create or replace function progress.is_assigned(p_xid xid8)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_xact_status(p_xid);
    return true;
exception
    when invalid_parameter_value then
        return false;
end
$$;

comment on function progress.is_assigned(xid8) is
'Whether a transaction of this cluster has or had this number.';
