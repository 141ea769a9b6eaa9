-- additive
-- One row for each opening of the store by a process: what was accepted from `first_seq` on is
-- named by `origin`. The first row is that of a store from before there were lives. `node.origin`
-- is the newest one's, so that a program that does not know this table names what it accepts alike.
CREATE TABLE life (
  number INTEGER PRIMARY KEY,
  origin INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  restored INTEGER NOT NULL
) STRICT;

-- The life in which another node's store was last heard of, and that life's number.
CREATE TABLE peer (
  store INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  life INTEGER NOT NULL
) STRICT;
