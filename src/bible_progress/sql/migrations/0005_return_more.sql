-- Functions that return other columns, or are called with other arguments, than they were.
-- progress: since 0.1.0

drop function if exists progress.exact_books(text, uuid, boolean);
drop function if exists progress.exact_chapters(text, uuid, text, boolean);
drop function if exists progress.dead_letters();
