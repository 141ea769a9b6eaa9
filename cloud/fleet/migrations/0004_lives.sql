-- additive
-- The life in which a device's store was last heard of, and when one that does not follow from it came; 0: none.
ALTER TABLE device ADD COLUMN store INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN life_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN life INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN restored_at INTEGER NOT NULL DEFAULT 0;
