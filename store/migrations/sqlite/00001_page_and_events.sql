-- The first schema. Times are microseconds since 1970 in UTC, durations microseconds; lists that belong to one row are
-- JSON. Every row that a feed tells of carries seq, the number of the transaction that last wrote it.

-- +goose Up
CREATE TABLE feed (
    single  INTEGER PRIMARY KEY CHECK (single = 1),
    seq     INTEGER NOT NULL,
    changed INTEGER
) STRICT;
INSERT INTO feed (single, seq) VALUES (1, 0);

CREATE TABLE page (
    id                 TEXT PRIMARY KEY,
    version            INTEGER NOT NULL,
    seq                INTEGER NOT NULL,
    single             INTEGER NOT NULL DEFAULT 1 UNIQUE CHECK (single = 1),
    name               TEXT NOT NULL,
    url                TEXT NOT NULL,
    description        TEXT NOT NULL,
    time_zone          TEXT NOT NULL,
    least_notice       INTEGER NOT NULL,
    blackouts          TEXT NOT NULL,
    maintenance_counts INTEGER NOT NULL
) STRICT;

CREATE TABLE component_group (
    id          TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    position    INTEGER NOT NULL,
    removed     INTEGER
) STRICT;
CREATE INDEX component_group_seq ON component_group (seq);

CREATE TABLE component (
    id          TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    name        TEXT NOT NULL,
    group_id    TEXT REFERENCES component_group (id),
    description TEXT NOT NULL,
    position    INTEGER NOT NULL,
    condition   TEXT NOT NULL,
    set_at      INTEGER,
    created     INTEGER,
    removed     INTEGER
) STRICT;
CREATE INDEX component_seq ON component (seq);

CREATE TABLE component_setting (
    seq       INTEGER NOT NULL,
    n         INTEGER NOT NULL,
    component TEXT NOT NULL REFERENCES component (id),
    at        INTEGER,
    condition TEXT NOT NULL,
    PRIMARY KEY (seq, n)
) STRICT;

CREATE TABLE series (
    id         TEXT PRIMARY KEY,
    version    INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    open       INTEGER NOT NULL,
    ended      INTEGER NOT NULL,
    key        TEXT NOT NULL,
    template   TEXT NOT NULL,
    rule       TEXT NOT NULL,
    time_zone  TEXT NOT NULL,
    exceptions TEXT NOT NULL,
    skipped    TEXT NOT NULL,
    announced  INTEGER
) STRICT;
CREATE UNIQUE INDEX series_key ON series (key) WHERE key <> '';
CREATE INDEX series_seq ON series (seq);

CREATE TABLE maintenance (
    id               TEXT PRIMARY KEY,
    version          INTEGER NOT NULL,
    seq              INTEGER NOT NULL,
    open             INTEGER NOT NULL,
    key              TEXT NOT NULL,
    title            TEXT NOT NULL,
    state            TEXT NOT NULL,
    window_start     INTEGER,
    window_end       INTEGER,
    announced_start  INTEGER,
    announced_end    INTEGER,
    began            INTEGER,
    ended            INTEGER,
    estimate         INTEGER,
    begins           TEXT NOT NULL,
    completes        TEXT NOT NULL,
    summary          TEXT NOT NULL,
    why              TEXT NOT NULL,
    affects          TEXT NOT NULL,
    promises         TEXT NOT NULL,
    reminders        TEXT NOT NULL,
    reminded         TEXT NOT NULL,
    overrun_every    INTEGER NOT NULL,
    overrun_said     INTEGER,
    short_notice     TEXT NOT NULL,
    despite_blackout TEXT NOT NULL,
    series           TEXT REFERENCES series (id),
    occurrence       INTEGER,
    detached         INTEGER NOT NULL,
    unfinished       TEXT NOT NULL,
    backfilled       INTEGER NOT NULL,
    created          INTEGER,
    changed          INTEGER
) STRICT;
CREATE UNIQUE INDEX maintenance_key ON maintenance (key) WHERE key <> '';
CREATE INDEX maintenance_open ON maintenance (seq, id) WHERE open;
CREATE INDEX maintenance_seq ON maintenance (seq);

CREATE TABLE incident (
    id         TEXT PRIMARY KEY,
    version    INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    open       INTEGER NOT NULL,
    key        TEXT NOT NULL,
    title      TEXT NOT NULL,
    state      TEXT NOT NULL,
    impact     TEXT NOT NULL,
    affects    TEXT NOT NULL,
    began      INTEGER,
    ended      INTEGER,
    backfilled INTEGER NOT NULL,
    created    INTEGER,
    changed    INTEGER
) STRICT;
CREATE UNIQUE INDEX incident_key ON incident (key) WHERE key <> '';
CREATE INDEX incident_open ON incident (seq, id) WHERE open;
CREATE INDEX incident_seq ON incident (seq);

-- The updates of maintenances and incidents; n counts from 0, the oldest.
CREATE TABLE post (
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    n          INTEGER NOT NULL,
    id         TEXT NOT NULL,
    state      TEXT NOT NULL,
    event      TEXT NOT NULL,
    at         INTEGER,
    due        INTEGER,
    body       TEXT NOT NULL,
    by_kind    TEXT NOT NULL,
    by_name    TEXT NOT NULL,
    conditions TEXT NOT NULL,
    quiet      INTEGER NOT NULL,
    PRIMARY KEY (kind, subject, n)
) STRICT;

CREATE TABLE event (
    seq          INTEGER NOT NULL,
    n            INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject      TEXT NOT NULL,
    at           INTEGER,
    told         INTEGER NOT NULL,
    payload      TEXT NOT NULL,
    PRIMARY KEY (seq, n)
) STRICT;
CREATE INDEX event_subject ON event (subject_kind, subject, seq, n);

CREATE TABLE lease (
    name   TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until  INTEGER
) STRICT;

CREATE TABLE token (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL,
    hash      TEXT NOT NULL UNIQUE,
    scope     TEXT NOT NULL,
    created   INTEGER,
    last_used INTEGER,
    revoked   INTEGER,
    by_name   TEXT NOT NULL
) STRICT;
