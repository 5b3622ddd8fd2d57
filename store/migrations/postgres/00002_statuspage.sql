-- What the Statuspage-compatible API brings: attributes that its clients set, what it keeps beside the life cycle, who
-- subscribed, and the record of who changed what.

-- +goose Up
ALTER TABLE page ADD COLUMN created BIGINT;
ALTER TABLE page ADD COLUMN changed BIGINT;

ALTER TABLE component_group ADD COLUMN created BIGINT;
ALTER TABLE component_group ADD COLUMN changed BIGINT;

ALTER TABLE component ADD COLUMN hide_uptime BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE component ADD COLUMN only_if_degraded BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE component ADD COLUMN start TEXT NOT NULL DEFAULT '';
ALTER TABLE component ADD COLUMN changed BIGINT;

ALTER TABLE maintenance ADD COLUMN impact TEXT NOT NULL DEFAULT '';
ALTER TABLE maintenance ADD COLUMN marks TEXT NOT NULL DEFAULT '';
ALTER TABLE maintenance ADD COLUMN releases TEXT NOT NULL DEFAULT '';
ALTER TABLE maintenance ADD COLUMN quiet_begin BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE maintenance ADD COLUMN quiet_end BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE maintenance ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE maintenance ADD COLUMN removed BIGINT;

ALTER TABLE incident ADD COLUMN impact_said BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE incident ADD COLUMN releases TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE incident ADD COLUMN draft TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN draft_at BIGINT;
ALTER TABLE incident ADD COLUMN removed BIGINT;

ALTER TABLE post ADD COLUMN effects TEXT NOT NULL DEFAULT '[]';
ALTER TABLE post ADD COLUMN first_at BIGINT;
ALTER TABLE post ADD COLUMN edited BIGINT;

-- One row for each write that a request made, in the transaction of that write.
CREATE TABLE audit (
    n          BIGINT PRIMARY KEY,
    at         BIGINT,
    token      TEXT NOT NULL,
    token_name TEXT NOT NULL,
    operation  TEXT NOT NULL,
    request    TEXT NOT NULL,
    client     TEXT NOT NULL,
    subjects   TEXT NOT NULL
);

-- Requests that carried an idempotency key, and what was answered.
CREATE TABLE request_key (
    key         TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    at          BIGINT,
    status      BIGINT NOT NULL,
    header      TEXT NOT NULL,
    body        TEXT NOT NULL
);
CREATE INDEX request_key_at ON request_key (at);

-- What the Statuspage-compatible API keeps and the life cycle knows nothing of: one JSON document each.
CREATE TABLE record (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    created BIGINT,
    payload TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE metric_point (
    metric TEXT NOT NULL,
    at     BIGINT NOT NULL,
    value  DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (metric, at)
);

CREATE TABLE subscriber (
    id                TEXT PRIMARY KEY,
    version           BIGINT NOT NULL,
    channel           TEXT NOT NULL,
    address           TEXT NOT NULL,
    contact           TEXT NOT NULL,
    event             TEXT NOT NULL,
    components        TEXT NOT NULL,
    access_user       TEXT NOT NULL,
    state             TEXT NOT NULL,
    skip_confirmation BOOLEAN NOT NULL,
    created           BIGINT,
    quarantined       BIGINT,
    purge             BIGINT
);
CREATE UNIQUE INDEX subscriber_address ON subscriber (channel, address, event);
CREATE INDEX subscriber_listed ON subscriber (state, created, id);
