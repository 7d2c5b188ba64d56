-- What was read and written, one row a turn: the only truth that drafts from earlier sessions rest on.

-- A layer is a body of turns that can be listed, switched off and removed as one: what happened here, or an import.
CREATE TABLE layers (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    created REAL NOT NULL,             -- seconds since 1970
    enabled INTEGER NOT NULL DEFAULT 1
) STRICT;
INSERT INTO layers (id, name, created) VALUES (1, 'own', unixepoch());

CREATE TABLE turns (
    -- AUTOINCREMENT: an id never comes back, so that an index segment can tell a deleted row from a new one.
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    ts           REAL NOT NULL,        -- seconds since 1970
    layer        INTEGER NOT NULL REFERENCES layers (id) ON DELETE CASCADE,
    conversation TEXT NOT NULL,
    origin       TEXT NOT NULL CHECK (origin IN ('user', 'model')),
    kind         TEXT NOT NULL CHECK (kind IN ('chat', 'complete', 'edit')),
    fingerprint  TEXT NOT NULL,        -- of the tokenizer: models of one family share their history
    text         TEXT NOT NULL,        -- kept, so that an export can be tokenised again for another vocabulary
    tokens       BLOB NOT NULL,        -- int32, little endian
    checksum     BLOB NOT NULL,        -- of all fields above but id: SQLite itself sees few flipped bits
    -- Not part of the checksum, since it changes: how often a draft read on from this turn. Rarely used turns go first.
    uses         REAL NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX turns_by_fingerprint ON turns (fingerprint, id);  -- what an index is built from
CREATE INDEX turns_by_conversation ON turns (conversation, id);
CREATE INDEX turns_by_layer ON turns (layer, id);

-- What speculation saved, one row a day.
CREATE TABLE savings (
    day          TEXT PRIMARY KEY,     -- local date, YYYY-MM-DD
    answers      INTEGER NOT NULL,
    predicted_n  INTEGER NOT NULL,     -- tokens generated
    steps        INTEGER NOT NULL,     -- passes of the model
    draft_n      INTEGER NOT NULL,
    accepted_n   INTEGER NOT NULL,
    from_history INTEGER NOT NULL,     -- accepted tokens that an earlier turn foresaw
    predicted_ms REAL NOT NULL,
    saved_ms     REAL NOT NULL         -- estimated from the measured cost of decodes
) STRICT;

-- One row. Deleting turns raises the number: a running program then drops what it has in memory.
CREATE TABLE generation (number INTEGER NOT NULL) STRICT;
INSERT INTO generation VALUES (0);
