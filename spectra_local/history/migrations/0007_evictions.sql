-- How many turns made room for others, one row a day and layer: what is gone is said, not kept.
CREATE TABLE evictions (
    day   TEXT NOT NULL,               -- local date, YYYY-MM-DD
    layer TEXT NOT NULL,               -- its name; it may be gone since
    turns INTEGER NOT NULL,
    PRIMARY KEY (day, layer)
) STRICT;
