-- additive
-- The origin in the name that its owner has for a task. NULL: the row's. Another owner's row may
-- have that name; then this one has an origin drawn here.
ALTER TABLE lease ADD COLUMN named INTEGER;
