-- Into which cart one went, as its events say: a guest's cart that has another id after the log-in is one cart.
ALTER TABLE {{db}}.carts {{on_cluster}} ADD COLUMN IF NOT EXISTS `merges` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(time Int64, sequence UInt32, event_id UUID, hash UInt64, into String))) CODEC(ZSTD(1));
-- The archive is folded again for them; until then rows without this column are read as before.
INSERT INTO {{db}}.rebuilds (fact, run, reached, done) SELECT 'carts', toUnixTimestamp64Milli(now64(3)), ('', '', toInt64(-1), toUInt128(0), toUInt64(0)), 0;
