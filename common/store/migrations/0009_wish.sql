-- additive
-- What a key stands for, SHA-256 of it: it outlives its task. NULL: by a version that did not know it.
ALTER TABLE idempotency ADD COLUMN wish BLOB;
