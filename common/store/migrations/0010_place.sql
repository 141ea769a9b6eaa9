-- additive
-- Places by number, in rows: 1 is the node's own pool, 2 the cloud of a device, what else there is
-- has its name here. A version that does not know this table knows these two.
CREATE TABLE place (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;

-- Without the names no task for a device means anything. So they are on the pages of an index as
-- well, where a salvage reads what a spoilt page of the table has cost.
CREATE INDEX place_name ON place (name);

-- The place of the first crash, where it has no bit in `crash_places`: only the first few have one.
ALTER TABLE task ADD COLUMN crashed_at INTEGER NOT NULL DEFAULT 0;
-- The one place where a task may run; 0: any, or by a version that had a device as the tenant.
ALTER TABLE task ADD COLUMN only_at INTEGER NOT NULL DEFAULT 0;
-- Tasks that were accepted together: the number of the first, and how many; 0: it came alone, or by
-- a version that had that in a label.
ALTER TABLE task ADD COLUMN group_first INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN group_size INTEGER NOT NULL DEFAULT 0;
