-- additive
-- What people did, apart from what devices do: however loud these are, they push none of it out.
CREATE TABLE action (
  id INTEGER PRIMARY KEY,   -- of the same numbers as event's
  device INTEGER NOT NULL,  -- 0: of the fleet
  name TEXT NOT NULL,
  at INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX action_device ON action (device, id);
CREATE INDEX alert_device ON alert (device, id);
