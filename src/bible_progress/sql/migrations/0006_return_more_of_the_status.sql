-- What a function returns cannot be replaced in place.
-- progress: since 0.1.0

drop function if exists progress.current_status();
