-- Statuses are read in more words, and tickets can be merged, deleted or spam: what their events did is folded again.
INSERT INTO {{db}}.rebuilds (fact, run, reached, done) SELECT 'tickets', toUnixTimestamp64Milli(now64(3)), ('', '', toInt64(-1), toUInt128(0), toUInt64(0)), 0;
