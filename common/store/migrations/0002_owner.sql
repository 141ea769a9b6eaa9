-- Times are microseconds on the node's time line. NULL means never, but for `deadline`, which is
-- part of an order and holds the largest integer instead.
CREATE TABLE task (
  seq INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  band INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  due INTEGER,         -- waiting and ready: the soonest of wake, deadline and start_by
  keep_until INTEGER,  -- finished: when it may be purged
  reason INTEGER NOT NULL,
  place INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  offer_pending INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  crashes INTEGER NOT NULL,
  crash_places INTEGER NOT NULL,
  losses INTEGER NOT NULL,
  last_failure INTEGER NOT NULL,
  deps INTEGER NOT NULL,
  since INTEGER NOT NULL,
  wake INTEGER,
  start_by INTEGER,
  lease_until INTEGER,
  run_until INTEGER,
  settled INTEGER NOT NULL,  -- failures of epochs up to here are counted
  created INTEGER NOT NULL,
  kind TEXT NOT NULL,
  tenant TEXT NOT NULL,
  spec BLOB,   -- NULL: in `bulk`
  result BLOB  -- NULL: none, or in `bulk`
) STRICT;

-- The rowid (seq) is the last column of each index.
CREATE INDEX task_ready ON task (band, deadline) WHERE state = 1;
CREATE INDEX task_live ON task (state) WHERE state IN (2, 3);
CREATE INDEX task_due ON task (due) WHERE due IS NOT NULL;
CREATE INDEX task_keep ON task (keep_until) WHERE keep_until IS NOT NULL;

-- Specs (id = 2 * seq) and results (2 * seq + 1) too large to be rewritten with every step.
CREATE TABLE bulk (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;

-- A task's history: id = seq * 2^20 + position.
CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  place INTEGER NOT NULL,
  failure INTEGER NOT NULL,
  detail BLOB
) STRICT;

CREATE TABLE outbox (
  seq INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  PRIMARY KEY (seq, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE waits (
  on_seq INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (on_seq, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX waits_by_task ON waits (seq);

CREATE TABLE idempotency (
  key TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_until ON idempotency (until);
