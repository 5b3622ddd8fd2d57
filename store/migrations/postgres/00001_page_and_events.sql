-- The first schema. Times are microseconds since 1970 in UTC, durations microseconds; lists that belong to one row are
-- JSON. Every row that a feed tells of carries seq, the number of the transaction that last wrote it.

-- +goose Up
CREATE TABLE feed (
    single  BIGINT PRIMARY KEY CHECK (single = 1),
    seq     BIGINT NOT NULL,
    changed BIGINT
);
INSERT INTO feed (single, seq) VALUES (1, 0);

CREATE TABLE page (
    id                 TEXT PRIMARY KEY,
    version            BIGINT NOT NULL,
    seq                BIGINT NOT NULL,
    single             BIGINT NOT NULL DEFAULT 1 UNIQUE CHECK (single = 1),
    name               TEXT NOT NULL,
    url                TEXT NOT NULL,
    description        TEXT NOT NULL,
    time_zone          TEXT NOT NULL,
    least_notice       BIGINT NOT NULL,
    blackouts          TEXT NOT NULL,
    maintenance_counts BOOLEAN NOT NULL
);

CREATE TABLE component_group (
    id          TEXT PRIMARY KEY,
    version     BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    position    BIGINT NOT NULL,
    removed     BIGINT
);
CREATE INDEX component_group_seq ON component_group (seq);

CREATE TABLE component (
    id          TEXT PRIMARY KEY,
    version     BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    name        TEXT NOT NULL,
    group_id    TEXT REFERENCES component_group (id),
    description TEXT NOT NULL,
    position    BIGINT NOT NULL,
    condition   TEXT NOT NULL,
    set_at      BIGINT,
    created     BIGINT,
    removed     BIGINT
);
CREATE INDEX component_seq ON component (seq);

CREATE TABLE component_setting (
    seq       BIGINT NOT NULL,
    n         BIGINT NOT NULL,
    component TEXT NOT NULL REFERENCES component (id),
    at        BIGINT,
    condition TEXT NOT NULL,
    PRIMARY KEY (seq, n)
);

CREATE TABLE series (
    id         TEXT PRIMARY KEY,
    version    BIGINT NOT NULL,
    seq        BIGINT NOT NULL,
    open       BOOLEAN NOT NULL,
    ended      BOOLEAN NOT NULL,
    key        TEXT NOT NULL,
    template   TEXT NOT NULL,
    rule       TEXT NOT NULL,
    time_zone  TEXT NOT NULL,
    exceptions TEXT NOT NULL,
    skipped    TEXT NOT NULL,
    announced  BIGINT
);
CREATE UNIQUE INDEX series_key ON series (key) WHERE key <> '';
CREATE INDEX series_seq ON series (seq);

CREATE TABLE maintenance (
    id               TEXT PRIMARY KEY,
    version          BIGINT NOT NULL,
    seq              BIGINT NOT NULL,
    open             BOOLEAN NOT NULL,
    key              TEXT NOT NULL,
    title            TEXT NOT NULL,
    state            TEXT NOT NULL,
    window_start     BIGINT,
    window_end       BIGINT,
    announced_start  BIGINT,
    announced_end    BIGINT,
    began            BIGINT,
    ended            BIGINT,
    estimate         BIGINT,
    begins           TEXT NOT NULL,
    completes        TEXT NOT NULL,
    summary          TEXT NOT NULL,
    why              TEXT NOT NULL,
    affects          TEXT NOT NULL,
    promises         TEXT NOT NULL,
    reminders        TEXT NOT NULL,
    reminded         TEXT NOT NULL,
    overrun_every    BIGINT NOT NULL,
    overrun_said     BIGINT,
    short_notice     TEXT NOT NULL,
    despite_blackout TEXT NOT NULL,
    series           TEXT REFERENCES series (id),
    occurrence       BIGINT,
    detached         BOOLEAN NOT NULL,
    unfinished       TEXT NOT NULL,
    backfilled       BOOLEAN NOT NULL,
    created          BIGINT,
    changed          BIGINT
);
CREATE UNIQUE INDEX maintenance_key ON maintenance (key) WHERE key <> '';
CREATE INDEX maintenance_open ON maintenance (seq, id) WHERE open;
CREATE INDEX maintenance_seq ON maintenance (seq);

CREATE TABLE incident (
    id         TEXT PRIMARY KEY,
    version    BIGINT NOT NULL,
    seq        BIGINT NOT NULL,
    open       BOOLEAN NOT NULL,
    key        TEXT NOT NULL,
    title      TEXT NOT NULL,
    state      TEXT NOT NULL,
    impact     TEXT NOT NULL,
    affects    TEXT NOT NULL,
    began      BIGINT,
    ended      BIGINT,
    backfilled BOOLEAN NOT NULL,
    created    BIGINT,
    changed    BIGINT
);
CREATE UNIQUE INDEX incident_key ON incident (key) WHERE key <> '';
CREATE INDEX incident_open ON incident (seq, id) WHERE open;
CREATE INDEX incident_seq ON incident (seq);

-- The updates of maintenances and incidents; n counts from 0, the oldest.
CREATE TABLE post (
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    n          BIGINT NOT NULL,
    id         TEXT NOT NULL,
    state      TEXT NOT NULL,
    event      TEXT NOT NULL,
    at         BIGINT,
    due        BIGINT,
    body       TEXT NOT NULL,
    by_kind    TEXT NOT NULL,
    by_name    TEXT NOT NULL,
    conditions TEXT NOT NULL,
    quiet      BOOLEAN NOT NULL,
    PRIMARY KEY (kind, subject, n)
);

CREATE TABLE event (
    seq          BIGINT NOT NULL,
    n            BIGINT NOT NULL,
    kind         TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject      TEXT NOT NULL,
    at           BIGINT,
    told         BOOLEAN NOT NULL,
    payload      TEXT NOT NULL,
    PRIMARY KEY (seq, n)
);
CREATE INDEX event_subject ON event (subject_kind, subject, seq, n);

CREATE TABLE lease (
    name   TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until  BIGINT
);

CREATE TABLE token (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL,
    hash      TEXT NOT NULL UNIQUE,
    scope     TEXT NOT NULL,
    created   BIGINT,
    last_used BIGINT,
    revoked   BIGINT,
    by_name   TEXT NOT NULL
);
