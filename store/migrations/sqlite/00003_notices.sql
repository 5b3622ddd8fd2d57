-- Subscribers are told: what they chose, what is told, and the queue of deliveries.

-- +goose Up
ALTER TABLE maintenance ADD COLUMN remind_every INTEGER NOT NULL DEFAULT 0;
ALTER TABLE maintenance ADD COLUMN running_said INTEGER;

-- Numbers of subscribers are never given twice, for deliveries are kept by them.
ALTER TABLE feed ADD COLUMN subscribers INTEGER NOT NULL DEFAULT 0;

ALTER TABLE subscriber ADD COLUMN n INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscriber ADD COLUMN chosen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscriber ADD COLUMN group_ids TEXT NOT NULL DEFAULT '[]';
ALTER TABLE subscriber ADD COLUMN zone TEXT NOT NULL DEFAULT '';
ALTER TABLE subscriber ADD COLUMN confirmed INTEGER;
ALTER TABLE subscriber ADD COLUMN asked INTEGER;
ALTER TABLE subscriber ADD COLUMN asked_times INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscriber ADD COLUMN strikes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscriber ADD COLUMN struck INTEGER;
ALTER TABLE subscriber ADD COLUMN reason TEXT NOT NULL DEFAULT '';
UPDATE subscriber SET n = numbered.n, chosen = (components <> '[]')
    FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY created, id) AS n FROM subscriber) AS numbered WHERE numbered.id = subscriber.id;
UPDATE feed SET subscribers = (SELECT COUNT(*) FROM subscriber);
CREATE UNIQUE INDEX subscriber_n ON subscriber (n);

-- The components and groups that subscribers chose.
CREATE TABLE choice (
    subscriber INTEGER NOT NULL,
    subject    TEXT NOT NULL,
    PRIMARY KEY (subscriber, subject)
) STRICT, WITHOUT ROWID;
INSERT INTO choice (subscriber, subject)
    SELECT subscriber.n, chosen.value FROM subscriber, json_each(subscriber.components) AS chosen WHERE TRUE ON CONFLICT DO NOTHING;

-- What was told, with all that its wording needs: one JSON document each.
CREATE TABLE notice (
    n            INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject      TEXT NOT NULL,
    at           INTEGER,
    payload      TEXT NOT NULL
) STRICT;
CREATE INDEX notice_subject ON notice (subject, kind);

-- How far a notice has come by each channel.
CREATE TABLE fanout (
    notice   INTEGER NOT NULL,
    channel  TEXT NOT NULL,
    total    INTEGER NOT NULL,
    sent     INTEGER NOT NULL,
    failed   INTEGER NOT NULL,
    dropped  INTEGER NOT NULL,
    retrying INTEGER NOT NULL,
    began    INTEGER,
    latest   INTEGER,
    PRIMARY KEY (notice, channel)
) STRICT, WITHOUT ROWID;

-- Who is to be told of a notice, and what became of it.
CREATE TABLE delivery (
    notice     INTEGER NOT NULL,
    subscriber INTEGER NOT NULL,
    channel    TEXT NOT NULL,
    fate       TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    at         INTEGER,
    answer     TEXT NOT NULL,
    PRIMARY KEY (notice, subscriber)
) STRICT, WITHOUT ROWID;

-- The queue: runs of deliveries that wait, from the subscriber low to the subscriber high. One that is taken is due again when
-- its lease has run out.
CREATE TABLE parcel (
    id      INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, for somebody may still hold the former one
    notice  INTEGER NOT NULL,
    channel TEXT NOT NULL,
    urgent  INTEGER NOT NULL,
    granted INTEGER NOT NULL,
    low     INTEGER NOT NULL,
    high    INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    due     INTEGER NOT NULL
) STRICT;
CREATE INDEX parcel_due ON parcel (channel, urgent, due, id);
CREATE INDEX parcel_notice ON parcel (notice, low, high);
-- A delivery that is tried again has a parcel of its own, and no more than one.
CREATE UNIQUE INDEX parcel_alone ON parcel (notice, low) WHERE low = high;
