-- Times of people: microseconds since 1970 by the cloud's wall clock. NULL means none.
CREATE TABLE device (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  session INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  boot_before INTEGER NOT NULL,
  online INTEGER NOT NULL,
  closed INTEGER NOT NULL,
  health INTEGER NOT NULL,
  reasons INTEGER NOT NULL,
  ended INTEGER,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  since INTEGER NOT NULL,
  lost_at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  lost INTEGER NOT NULL,
  grp TEXT NOT NULL,
  labels TEXT NOT NULL,   -- one a line
  quarantined INTEGER NOT NULL,
  revoked INTEGER NOT NULL,
  note TEXT NOT NULL,
  birth BLOB NOT NULL
) STRICT;

CREATE TABLE session (
  device INTEGER NOT NULL,
  session INTEGER NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER,
  how INTEGER,
  PRIMARY KEY (device, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_started ON session (started);

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  device INTEGER NOT NULL,  -- 0: of the fleet
  name TEXT NOT NULL,
  at INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX event_device ON event (device, id);

-- Rows are appended, so the oldest have the smallest id. start: minutes since 1970.
CREATE TABLE minutes (
  id INTEGER PRIMARY KEY,
  device INTEGER NOT NULL,
  start INTEGER NOT NULL,
  points BLOB NOT NULL
) STRICT;
CREATE INDEX minutes_device ON minutes (device, start);
CREATE TABLE quarter (
  id INTEGER PRIMARY KEY,
  device INTEGER NOT NULL,
  start INTEGER NOT NULL,
  point BLOB NOT NULL
) STRICT;
CREATE INDEX quarter_device ON quarter (device, start);

CREATE TABLE fleet_point (
  resolution INTEGER NOT NULL,
  at INTEGER NOT NULL,
  point BLOB NOT NULL,
  PRIMARY KEY (resolution, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE loss (
  device INTEGER NOT NULL,
  what TEXT NOT NULL,
  cause TEXT NOT NULL,
  count INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (device, what, cause)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert (
  id INTEGER PRIMARY KEY,
  device INTEGER NOT NULL,
  crowd INTEGER NOT NULL,
  rule TEXT NOT NULL,
  title TEXT NOT NULL,
  severity INTEGER NOT NULL,
  name TEXT NOT NULL,
  firing INTEGER NOT NULL,
  fired INTEGER NOT NULL,
  resolved INTEGER,
  value INTEGER NOT NULL,  -- a double's bits
  acknowledged_by TEXT NOT NULL,
  note TEXT NOT NULL
) STRICT;

CREATE TABLE rule (
  id TEXT PRIMARY KEY,
  title TEXT NOT NULL,
  severity INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  subject TEXT NOT NULL,
  compare INTEGER NOT NULL,
  value INTEGER NOT NULL,  -- a double's bits
  lasting INTEGER NOT NULL,
  grp TEXT NOT NULL,
  enabled INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE silence (
  id INTEGER PRIMARY KEY,
  rule TEXT NOT NULL,
  device TEXT NOT NULL,
  grp TEXT NOT NULL,
  until INTEGER NOT NULL,
  by TEXT NOT NULL,
  note TEXT NOT NULL
) STRICT;

-- How far the fleet has come: one row.
CREATE TABLE totals (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  duplicates INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  next_event INTEGER NOT NULL,
  next_alert INTEGER NOT NULL,
  next_silence INTEGER NOT NULL,
  next_device INTEGER NOT NULL,
  rules_set INTEGER NOT NULL  -- 0: the rules were never written
) STRICT;
INSERT INTO totals VALUES (1, 0, 0, 1, 1, 1, 1, 0);
