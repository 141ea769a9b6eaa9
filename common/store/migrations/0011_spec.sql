-- additive
-- Specs of groups that are too large to lie in each task's row, once each; `id` is the number of the
-- task that brought it, so that none is ever given twice; `digest` is SHA-256 of the bytes.
CREATE TABLE spec (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL) STRICT;

-- The row of `spec` that a task shares; 0: its spec is its own. To a version that does not know this,
-- such a task has lost its spec: while there is one, the file says that it takes this version.
ALTER TABLE task ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
CREATE INDEX task_shared ON task (shared) WHERE shared > 0;
