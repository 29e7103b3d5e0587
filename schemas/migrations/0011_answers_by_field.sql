-- Which versions of an answer say whether it is completed: one that does not leaves that as it was.
ALTER TABLE {{db}}.answers {{on_cluster}} ADD COLUMN IF NOT EXISTS `completions` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(time Int64, sequence UInt32, event_id UUID, hash UInt64, version Int64, completed Enum8('untold' = 0, 'no' = 1, 'yes' = 2)))) CODEC(ZSTD(1));
-- The archive is folded again for them; until then rows without this column are read as before.
INSERT INTO {{db}}.rebuilds (fact, run, reached, done) SELECT 'answers', toUnixTimestamp64Milli(now64(3)), ('', '', toInt64(-1), toUInt128(0), toUInt64(0)), 0;
