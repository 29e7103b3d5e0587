-- What an order's events say of its currency and of its state, each by itself: an update that lacks a field leaves it.
ALTER TABLE {{db}}.orders {{on_cluster}} ADD COLUMN IF NOT EXISTS `currencies` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(time Int64, sequence UInt32, event_id UUID, hash UInt64, of Enum8('order' = 1, 'refund' = 2), currency String))) CODEC(ZSTD(1));
ALTER TABLE {{db}}.orders {{on_cluster}} ADD COLUMN IF NOT EXISTS `states` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(time Int64, sequence UInt32, event_id UUID, hash UInt64, state Enum8('completed' = 1, 'given_back' = 2, 'cancelled' = 3)))) CODEC(ZSTD(1));
-- The archive is folded again for them; until then rows without these columns are read as before.
INSERT INTO {{db}}.rebuilds (fact, run, reached, done) SELECT 'orders', toUnixTimestamp64Milli(now64(3)), ('', '', toInt64(-1), toUInt128(0), toUInt64(0)), 0;
