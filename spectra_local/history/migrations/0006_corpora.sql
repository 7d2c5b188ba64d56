-- Text of the user's choice to guess from. A corpus is a layer like any other; here is how it was chosen from its sources.

CREATE TABLE corpora (
    layer      INTEGER PRIMARY KEY REFERENCES layers (id) ON DELETE CASCADE,
    paths      TEXT NOT NULL,            -- JSON list of absolute paths; empty: the model's own answers
    keep       REAL NOT NULL,            -- share of the scored tokens
    max_tokens INTEGER NOT NULL,         -- of those that are kept
    model      TEXT NOT NULL,            -- that scored them: its name, for people
    scorer     TEXT NOT NULL,            -- and what tells it from others
    seen       TEXT NOT NULL DEFAULT '{}',  -- JSON counts of the last survey: files, duplicates, secrets, ...
    finished   REAL                      -- seconds since 1970; NULL: scoring was interrupted
) STRICT;

-- One row a chunk that was worth scoring; of those that are not kept only this remains.
CREATE TABLE corpus_chunks (
    id       INTEGER PRIMARY KEY,
    layer    INTEGER NOT NULL REFERENCES layers (id) ON DELETE CASCADE,
    digest   BLOB NOT NULL,              -- of its tokens
    n_tokens INTEGER NOT NULL,
    nats     REAL,                       -- a token, by the model; NULL: not scored yet
    kept     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (layer, digest)
) STRICT;
