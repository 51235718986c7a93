-- +goose Up

-- The evidence record (RFC 4998) of each deposit, and what its newest token rests
-- on, so that those that have to be renewed are found without reading them.
CREATE TABLE records (
    deposit     TEXT   PRIMARY KEY, -- the document's id
    record      BYTEA  NOT NULL, -- DER; hashes and tokens, nothing about anybody
    hash        BIGINT NOT NULL, -- of the newest chain; Go's crypto.Hash
    signature   TEXT   NOT NULL, -- of the newest token, as the table of algorithms names it
    certificate BIGINT NOT NULL, -- end of the authority's certificate
    made        BIGINT NOT NULL
);
CREATE INDEX records_support ON records (hash, signature, certificate, deposit);

-- +goose Down
DROP TABLE records;
