-- Conversations as the user sees them: titles, drafts, and every message with the one it answers.

CREATE TABLE chats (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    title   TEXT NOT NULL,
    named   INTEGER NOT NULL DEFAULT 0,  -- 1: the user chose the title
    created REAL NOT NULL,               -- seconds since 1970
    changed REAL NOT NULL,
    leaf    INTEGER,                     -- the last message of the branch that was shown last
    draft   TEXT NOT NULL DEFAULT ''     -- typed and not sent
) STRICT;
CREATE INDEX chats_by_change ON chats (changed);

CREATE TABLE messages (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    chat    INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    parent  INTEGER REFERENCES messages (id) ON DELETE CASCADE,  -- two children of one parent are two branches
    role    TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    text    TEXT NOT NULL,
    outcome TEXT NOT NULL,               -- 'open' while it is being written; then its words are not indexed yet
    created REAL NOT NULL,
    files   TEXT NOT NULL DEFAULT '[]'   -- attached texts: JSON [[name, text], ...]
) STRICT;
CREATE INDEX messages_by_chat ON messages (chat, id);
CREATE INDEX messages_by_parent ON messages (parent);

-- Prefix indexes make "wo" as quick as "word" while somebody types.
CREATE VIRTUAL TABLE message_words USING fts5(
    text, content='messages', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='1 2 3'
);
