-- +goose Up

ALTER TABLE documents ADD COLUMN ends BIGINT;    -- first moment at which its row must be gone too
ALTER TABLE documents ADD COLUMN noticed BIGINT; -- when its owner was told that the deposit ends
CREATE INDEX documents_ends ON documents (ends);

-- Legal holds: two people place one, two people lift it.
CREATE TABLE holds (
    id           TEXT   PRIMARY KEY,
    deposit      TEXT   NOT NULL, -- the document's id
    organisation TEXT   NOT NULL,
    placed_by    TEXT   NOT NULL, -- accounts
    placed       BIGINT NOT NULL,
    agreed_by    TEXT   NOT NULL,
    agreed       BIGINT,
    ended_by     TEXT   NOT NULL,
    ended        BIGINT,
    lifted_by    TEXT   NOT NULL,
    lifted       BIGINT,
    sealed       BYTEA  NOT NULL -- the reason
);
CREATE INDEX holds_deposit ON holds (deposit);

-- +goose Down
DROP TABLE holds;
DROP INDEX documents_ends;
ALTER TABLE documents DROP COLUMN noticed;
ALTER TABLE documents DROP COLUMN ends;
