-- The index of a spool. Times are microseconds, 0 for none; states are 0 waiting, 1 shelved, 2 delivered, 3 removed.
CREATE TABLE entries (
  id       TEXT PRIMARY KEY,
  pos      INTEGER NOT NULL, -- where its entry record stands in the journal
  flow     TEXT NOT NULL,
  kind     TEXT NOT NULL,
  lane     TEXT NOT NULL,
  key      TEXT NOT NULL,
  about    TEXT NOT NULL,
  bytes    INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  due      INTEGER NOT NULL,
  expires  INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next     INTEGER NOT NULL,
  state    INTEGER NOT NULL,
  reason   TEXT NOT NULL,
  settled  INTEGER NOT NULL,
  warned   INTEGER NOT NULL,
  head     INTEGER NOT NULL  -- it waits, and is the first of its lane: only heads are handed over
) WITHOUT ROWID;

CREATE INDEX ready ON entries (flow, next, id) WHERE head = 1;
CREATE INDEX lanes ON entries (flow, lane, due, id) WHERE state = 0 AND lane <> '';
CREATE INDEX keys  ON entries (flow, key, id) WHERE key <> '';
CREATE INDEX fresh ON entries (flow, warned, due) WHERE state = 0 AND attempts = 0;
CREATE INDEX tried ON entries (flow, warned, due) WHERE state = 0 AND attempts > 0;
CREATE INDEX live  ON entries (state, id) WHERE state < 2;
CREATE INDEX ended ON entries (settled) WHERE state > 1;
CREATE INDEX kept  ON entries (pos) WHERE state < 2 OR key <> '';

CREATE TABLE paused (
  flow TEXT PRIMARY KEY,
  pos  INTEGER NOT NULL
) WITHOUT ROWID;

-- One row: the last record that is applied, and the checksum of its bytes.
CREATE TABLE meta (
  applied INTEGER NOT NULL,
  sum     INTEGER NOT NULL
);
INSERT INTO meta VALUES (0, 0);
