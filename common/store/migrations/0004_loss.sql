-- What was given up, by class, cause and period; `reported` of `count` is known to the cloud.
CREATE TABLE loss (
  class INTEGER NOT NULL,
  cause INTEGER NOT NULL,
  period INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  count INTEGER NOT NULL,
  reported INTEGER NOT NULL,
  PRIMARY KEY (class, cause, period)
) STRICT, WITHOUT ROWID;

UPDATE node SET produced0 = next_seq - 1, produced1 = count4 + count5 + count6 + count7,
  produced2 = (SELECT count(*) FROM event), events = (SELECT count(*) FROM event),
  keys = (SELECT count(*) FROM idempotency);
