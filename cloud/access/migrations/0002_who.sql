-- Where a session was opened from; by which token or session something was done; and how many more
-- refusals of the same caller there were since its last line, which were only counted.
ALTER TABLE session ADD COLUMN peer TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN token TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN unwritten INTEGER NOT NULL DEFAULT 0;
