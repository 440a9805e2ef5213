-- name: limit
-- A cursor is planned for its first rows unless told that all of them are wanted.
select
    set_config('transaction_read_only', 'on', true),
    set_config('statement_timeout', %(timeout)s, true),
    set_config('lock_timeout', '2s', true),
    set_config('cursor_tuple_fraction', '1', true);

-- name: count_others
move forward all in finding;  -- noqa: PRS
