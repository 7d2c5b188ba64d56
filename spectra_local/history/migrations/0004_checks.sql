-- Damage is seen in chats too; what only the tokens of a turn say can be found, so that it can be forgotten.

-- What the tokens say beside the text: words of the template, a system prompt, the files around a gap. Part of the
-- checksum where it is not empty.
ALTER TABLE turns ADD COLUMN beyond TEXT NOT NULL DEFAULT '';

-- NULL: written before there were checksums.
ALTER TABLE messages ADD COLUMN checksum BLOB;  -- of all other fields
ALTER TABLE chats ADD COLUMN checksum BLOB;     -- of id, title and draft

-- Raised where the user wants something gone; "number" also where old turns made room for new ones.
ALTER TABLE generation ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
