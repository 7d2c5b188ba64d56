-- What was chosen for one chat holds in that chat alone.

-- JSON: system prompt, preset, sampling parameters; see chat_settings.py. Part of the checksum where it is not '{}'.
ALTER TABLE chats ADD COLUMN own TEXT NOT NULL DEFAULT '{}';
