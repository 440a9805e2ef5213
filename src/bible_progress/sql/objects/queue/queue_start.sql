-- A row of another cluster, or one that was written below a savepoint, was not inserted by the
-- transaction that it names; without one that counts everything is looked at.
create view progress.queue_start
with (security_invoker = true) as
select
    coalesce(
        (
            select w.xid
            from progress.queue_watermark as w
            where w.made_by::xid = w.xmin
            order by w.xid desc
            limit 1
        ),
        '0'::xid8
    ) as xid;

comment on view progress.queue_start is
'One row: the lowest transaction number that a signal of this snapshot can have.';
