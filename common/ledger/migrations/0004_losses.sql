-- What devices gave up, as they report it; `origin` is the store that counted. Counts only grow.
CREATE TABLE loss (
  device TEXT NOT NULL,
  origin INTEGER NOT NULL,
  class INTEGER NOT NULL,
  cause INTEGER NOT NULL,
  period INTEGER NOT NULL,
  first INTEGER NOT NULL,  -- wall time; 0: the device's clock was not set
  last INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (device, origin, class, cause, period)
) STRICT, WITHOUT ROWID;

CREATE TABLE loss_total (
  device TEXT NOT NULL,
  origin INTEGER NOT NULL,
  class INTEGER NOT NULL,
  cause INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (device, origin, class, cause)
) STRICT, WITHOUT ROWID;

CREATE TABLE produced (
  device TEXT NOT NULL,
  origin INTEGER NOT NULL,
  class INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (device, origin, class)
) STRICT, WITHOUT ROWID;
