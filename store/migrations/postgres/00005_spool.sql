-- What gates accepted for later and have handed over since.

-- +goose Up
ALTER TABLE outcome ADD COLUMN delivered        BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN shelved          BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN delay_us         BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN longest_delay_us BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN delays           TEXT NOT NULL DEFAULT '[]';
