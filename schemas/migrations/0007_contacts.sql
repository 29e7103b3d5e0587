-- A call or chat on one UTC day of its events, as the set of its steps (schemas/tables.py says what each tuple holds).
CREATE TABLE IF NOT EXISTS {{db}}.contacts {{on_cluster}} (
  `tenant` LowCardinality(String),
  `day` Date,
  `id` String CODEC(ZSTD(1)),
  `first` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `actor` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `country` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `channel` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `device` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `direction` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `topic` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `ticket` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `transitions` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(Int64, UInt32, UUID, UInt64, UInt8, UInt16, String, String, Int64, Int64, Int64, Int64))) CODEC(ZSTD(1))
) ENGINE = {{Aggregating}}
ORDER BY (`tenant`, `day`, `id`)
SETTINGS min_age_to_force_merge_seconds = 600;
