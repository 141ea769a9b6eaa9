-- Times are microseconds on the ledger's own time line; NULL means never.
CREATE TABLE lease (
  origin INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  device TEXT NOT NULL,
  state INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  effects INTEGER NOT NULL,
  failure INTEGER NOT NULL,
  deadline INTEGER,
  run_until INTEGER,
  lease_until INTEGER,
  spec_digest BLOB NOT NULL,
  accepted INTEGER NOT NULL,
  answered_at INTEGER,  -- of a tombstone
  spec BLOB,            -- NULL: in `bulk`, or a tombstone
  result BLOB,          -- NULL: none, in `bulk`, or a tombstone
  PRIMARY KEY (origin, seq)
) STRICT;

-- The work in hand (NULL) and the tombstones by age; untouched by the steps in between.
CREATE INDEX lease_answered ON lease (answered_at);

-- Specs (part 0) and results (part 1) too large to be rewritten with every step.
CREATE TABLE bulk (
  origin INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  part INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (origin, seq, part)
) STRICT;
