-- How often each kind of guess came true, one row a day and source; counts alone, no text.
CREATE TABLE savings_by_source (
    day      TEXT NOT NULL,            -- local date, YYYY-MM-DD
    source   TEXT NOT NULL,            -- as the drafter names it: context, history, core, ...
    accepted INTEGER NOT NULL,         -- tokens
    rejected INTEGER NOT NULL,
    PRIMARY KEY (day, source)
) STRICT;
