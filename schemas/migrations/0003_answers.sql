-- What was said or asked on one UTC day, as the set of its versions (schemas/tables.py says what each tuple holds).
CREATE TABLE IF NOT EXISTS {{db}}.answers {{on_cluster}} (
  `tenant` LowCardinality(String),
  `kind` LowCardinality(String),
  `survey` String CODEC(ZSTD(1)),
  `question` String CODEC(ZSTD(1)),
  `id` String CODEC(ZSTD(1)),
  `day` Date,
  `first` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `actor` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `country` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `channel` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `device` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `versions` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(Int64, UInt32, UUID, UInt64, UInt16, Int64, Int64, Int64, Int64, String, String, String, String, String))) CODEC(ZSTD(1))
) ENGINE = {{Aggregating}}
ORDER BY (`tenant`, `kind`, `day`, `survey`, `question`, `id`)
SETTINGS min_age_to_force_merge_seconds = 600;
