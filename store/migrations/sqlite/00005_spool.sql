-- What gates accepted for later and have handed over since.

-- +goose Up
ALTER TABLE outcome ADD COLUMN delivered        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN shelved          INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN delay_us         INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN longest_delay_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN delays           TEXT NOT NULL DEFAULT '[]';
