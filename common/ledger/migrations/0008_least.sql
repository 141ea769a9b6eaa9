-- additive
-- 1: the device does not know how much it was; `count` is the least that it can have been.
ALTER TABLE loss ADD COLUMN least INTEGER NOT NULL DEFAULT 0;
