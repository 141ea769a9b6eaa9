-- additive
-- What is shown of a task once its spec and its result are gone. NULL: not known.
ALTER TABLE lease ADD COLUMN kind TEXT;
ALTER TABLE lease ADD COLUMN band INTEGER;
ALTER TABLE lease ADD COLUMN started INTEGER;
ALTER TABLE lease ADD COLUMN ended INTEGER;
ALTER TABLE lease ADD COLUMN ran INTEGER;  -- microseconds, as the next
ALTER TABLE lease ADD COLUMN cpu INTEGER;
