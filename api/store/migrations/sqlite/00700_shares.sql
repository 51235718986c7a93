-- +goose Up

-- With whom of the organisation a document's owner shares it. What goes with a
-- document goes when it goes.
CREATE TABLE shares (
    document     TEXT   NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    account      TEXT   NOT NULL,
    organisation TEXT   NOT NULL,
    level        TEXT   NOT NULL, -- see, edit, use
    granted_by   TEXT   NOT NULL,
    created      BIGINT NOT NULL,
    PRIMARY KEY (document, account)
);
CREATE INDEX shares_account ON shares (account);

CREATE TABLE comments (
    id       TEXT   PRIMARY KEY,
    document TEXT   NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    account  TEXT   NOT NULL,
    created  BIGINT NOT NULL,
    sealed   BLOB   NOT NULL -- the text, under the document's key
);
CREATE INDEX comments_document ON comments (document, created);

-- +goose Down
DROP TABLE comments;
DROP TABLE shares;
