-- additive
-- What a large value's bytes were when they were written: SQLite follows the pages of one, and does
-- not notice when the last of them holds something else. NULL: by a version that did not know it.
ALTER TABLE bulk ADD COLUMN sum INTEGER;
