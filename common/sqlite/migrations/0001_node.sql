-- Who this store is and how far it has come: one row, written with every commit.
CREATE TABLE node (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  origin INTEGER NOT NULL,
  next_seq INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  wall INTEGER NOT NULL,
  session INTEGER NOT NULL,
  count0 INTEGER NOT NULL, count1 INTEGER NOT NULL, count2 INTEGER NOT NULL, count3 INTEGER NOT NULL,
  count4 INTEGER NOT NULL, count5 INTEGER NOT NULL, count6 INTEGER NOT NULL, count7 INTEGER NOT NULL
) STRICT;
