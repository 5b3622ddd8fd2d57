-- Gates: what they say of themselves, and what they measured.

-- +goose Up
ALTER TABLE maintenance ADD COLUMN interruptions TEXT NOT NULL DEFAULT '[]';

CREATE TABLE gate (
    name  TEXT PRIMARY KEY,
    seen  INTEGER,
    state TEXT NOT NULL
) STRICT;

-- The last batch that was counted of each memory of a gate, and when.
CREATE TABLE gate_batch (
    gate    TEXT NOT NULL,
    epoch   TEXT NOT NULL,
    last    INTEGER NOT NULL,
    counted INTEGER,
    PRIMARY KEY (gate, epoch)
) STRICT, WITHOUT ROWID;

-- The sums of what a gate measured of a flow during a maintenance.
CREATE TABLE outcome (
    maintenance TEXT NOT NULL REFERENCES maintenance (id),
    gate        TEXT NOT NULL,
    flow        TEXT NOT NULL,
    since       INTEGER,
    until       INTEGER,
    requests    INTEGER NOT NULL,
    passed      INTEGER NOT NULL,
    held        INTEGER NOT NULL,
    stale       INTEGER NOT NULL,
    queued      INTEGER NOT NULL,
    rejected    INTEGER NOT NULL,
    evicted     INTEGER NOT NULL,
    expired     INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    gone        INTEGER NOT NULL,
    bypassed    INTEGER NOT NULL,
    retried     INTEGER NOT NULL,
    wait_us     INTEGER NOT NULL,
    took_us     INTEGER NOT NULL,
    longest_us  INTEGER NOT NULL,
    waits       TEXT NOT NULL,
    took        TEXT NOT NULL,
    PRIMARY KEY (maintenance, gate, flow)
) STRICT, WITHOUT ROWID;

-- The stretches in which a flow was not normal at a gate.
CREATE TABLE span (
    gate         TEXT NOT NULL,
    id           TEXT NOT NULL,
    maintenance  TEXT NOT NULL REFERENCES maintenance (id),
    flow         TEXT NOT NULL,
    interruption TEXT NOT NULL,
    cause        TEXT NOT NULL,
    opened       INTEGER,
    quiet        INTEGER,
    closed       INTEGER,
    drained      INTEGER,
    PRIMARY KEY (gate, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX span_maintenance ON span (maintenance, opened);
