-- Chinese, Japanese, Thai and their like are found by pairs of characters; see history/pairs.py, which is the function.

CREATE VIRTUAL TABLE message_pairs USING fts5(
    pairs, content='', tokenize="unicode61 remove_diacritics 0 categories 'L* N* Co M*'", prefix='1'
);
INSERT INTO message_pairs (rowid, pairs)
    SELECT id, text_pairs(text) FROM messages WHERE outcome <> 'open' AND text_pairs(text) <> '';
