-- What the Statuspage-compatible API brings: attributes that its clients set, what it keeps beside the life cycle, who
-- subscribed, and the record of who changed what.

-- +goose Up
ALTER TABLE page ADD COLUMN created INTEGER;
ALTER TABLE page ADD COLUMN changed INTEGER;

ALTER TABLE component_group ADD COLUMN created INTEGER;
ALTER TABLE component_group ADD COLUMN changed INTEGER;

ALTER TABLE component ADD COLUMN hide_uptime INTEGER NOT NULL DEFAULT 0;
ALTER TABLE component ADD COLUMN only_if_degraded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE component ADD COLUMN start TEXT NOT NULL DEFAULT '';
ALTER TABLE component ADD COLUMN changed INTEGER;

ALTER TABLE maintenance ADD COLUMN impact TEXT NOT NULL DEFAULT '';
ALTER TABLE maintenance ADD COLUMN marks TEXT NOT NULL DEFAULT '';
ALTER TABLE maintenance ADD COLUMN releases TEXT NOT NULL DEFAULT '';
ALTER TABLE maintenance ADD COLUMN quiet_begin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE maintenance ADD COLUMN quiet_end INTEGER NOT NULL DEFAULT 0;
ALTER TABLE maintenance ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE maintenance ADD COLUMN removed INTEGER;

ALTER TABLE incident ADD COLUMN impact_said INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN releases TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE incident ADD COLUMN draft TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN draft_at INTEGER;
ALTER TABLE incident ADD COLUMN removed INTEGER;

ALTER TABLE post ADD COLUMN effects TEXT NOT NULL DEFAULT '[]';
ALTER TABLE post ADD COLUMN first_at INTEGER;
ALTER TABLE post ADD COLUMN edited INTEGER;

-- One row for each write that a request made, in the transaction of that write.
CREATE TABLE audit (
    n          INTEGER PRIMARY KEY,
    at         INTEGER,
    token      TEXT NOT NULL,
    token_name TEXT NOT NULL,
    operation  TEXT NOT NULL,
    request    TEXT NOT NULL,
    client     TEXT NOT NULL,
    subjects   TEXT NOT NULL
) STRICT;

-- Requests that carried an idempotency key, and what was answered.
CREATE TABLE request_key (
    key         TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    at          INTEGER,
    status      INTEGER NOT NULL,
    header      TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX request_key_at ON request_key (at);

-- What the Statuspage-compatible API keeps and the life cycle knows nothing of: one JSON document each.
CREATE TABLE record (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    created INTEGER,
    payload TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;

CREATE TABLE metric_point (
    metric TEXT NOT NULL,
    at     INTEGER NOT NULL,
    value  REAL NOT NULL,
    PRIMARY KEY (metric, at)
) STRICT;

CREATE TABLE subscriber (
    id                TEXT PRIMARY KEY,
    version           INTEGER NOT NULL,
    channel           TEXT NOT NULL,
    address           TEXT NOT NULL,
    contact           TEXT NOT NULL,
    event             TEXT NOT NULL,
    components        TEXT NOT NULL,
    access_user       TEXT NOT NULL,
    state             TEXT NOT NULL,
    skip_confirmation INTEGER NOT NULL,
    created           INTEGER,
    quarantined       INTEGER,
    purge             INTEGER
) STRICT;
CREATE UNIQUE INDEX subscriber_address ON subscriber (channel, address, event);
CREATE INDEX subscriber_listed ON subscriber (state, created, id);
