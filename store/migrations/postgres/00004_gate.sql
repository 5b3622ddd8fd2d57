-- Gates: what they say of themselves, and what they measured.

-- +goose Up
ALTER TABLE maintenance ADD COLUMN interruptions TEXT NOT NULL DEFAULT '[]';

CREATE TABLE gate (
    name  TEXT PRIMARY KEY,
    seen  BIGINT,
    state TEXT NOT NULL
);

-- The last batch that was counted of each memory of a gate, and when.
CREATE TABLE gate_batch (
    gate    TEXT NOT NULL,
    epoch   TEXT NOT NULL,
    last    BIGINT NOT NULL,
    counted BIGINT,
    PRIMARY KEY (gate, epoch)
);

-- The sums of what a gate measured of a flow during a maintenance.
CREATE TABLE outcome (
    maintenance TEXT NOT NULL REFERENCES maintenance (id),
    gate        TEXT NOT NULL,
    flow        TEXT NOT NULL,
    since       BIGINT,
    until       BIGINT,
    requests    BIGINT NOT NULL,
    passed      BIGINT NOT NULL,
    held        BIGINT NOT NULL,
    stale       BIGINT NOT NULL,
    queued      BIGINT NOT NULL,
    rejected    BIGINT NOT NULL,
    evicted     BIGINT NOT NULL,
    expired     BIGINT NOT NULL,
    failed      BIGINT NOT NULL,
    gone        BIGINT NOT NULL,
    bypassed    BIGINT NOT NULL,
    retried     BIGINT NOT NULL,
    wait_us     BIGINT NOT NULL,
    took_us     BIGINT NOT NULL,
    longest_us  BIGINT NOT NULL,
    waits       TEXT NOT NULL,
    took        TEXT NOT NULL,
    PRIMARY KEY (maintenance, gate, flow)
);

-- The stretches in which a flow was not normal at a gate.
CREATE TABLE span (
    gate         TEXT NOT NULL,
    id           TEXT NOT NULL,
    maintenance  TEXT NOT NULL REFERENCES maintenance (id),
    flow         TEXT NOT NULL,
    interruption TEXT NOT NULL,
    cause        TEXT NOT NULL,
    opened       BIGINT,
    quiet        BIGINT,
    closed       BIGINT,
    drained      BIGINT,
    PRIMARY KEY (gate, id)
);
CREATE INDEX span_maintenance ON span (maintenance, opened);
