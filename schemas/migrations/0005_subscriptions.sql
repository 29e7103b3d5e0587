-- A copy of an event of a trial, a subscription or a payment, with what it tells; money in millionths.
CREATE TABLE IF NOT EXISTS {{db}}.subscription_events {{on_cluster}} (
  `tenant` LowCardinality(String),
  `name` LowCardinality(String),
  `time` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  `event_id` UUID CODEC(NONE),
  `hash` UInt64,
  `sequence` SimpleAggregateFunction(max, UInt32),
  `actor` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  `account` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  `parent` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  `trial_id` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  `subscription_id` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  `status` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  `has_amount` SimpleAggregateFunction(max, UInt8),
  `amount` SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1)),
  `currency` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  `interval` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  `starts_at` SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1)),
  `ends_at` SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1)),
  `asked_at` SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1)),
  `card` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  `country` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  `channel` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  `device` SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  `bot` SimpleAggregateFunction(max, UInt8)
) ENGINE = {{Aggregating}}
ORDER BY (`tenant`, `name`, `time`, `event_id`, `hash`)
SETTINGS min_age_to_force_merge_seconds = 600;
