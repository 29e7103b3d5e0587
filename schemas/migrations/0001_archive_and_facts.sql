-- The archive, the facts, and the dead letters.

-- The archive: one row per copy of an event, raw, with its place in the log.
CREATE TABLE IF NOT EXISTS {{db}}.events {{on_cluster}} (
  `tenant` LowCardinality(String),
  `name` LowCardinality(String),
  `time` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  `event_id` UUID CODEC(NONE),
  `hash` UInt64,
  `source` LowCardinality(String),
  `message_id` String CODEC(ZSTD(1)),
  `raw_name` LowCardinality(String),
  `original_time` Nullable(Int64),
  `sent_at` Nullable(Int64),
  `received_at` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  `sequence` UInt32,
  `actor` String CODEC(ZSTD(1)),
  `person_class` UInt8,
  `user_id` String CODEC(ZSTD(1)),
  `anonymous_id` String CODEC(ZSTD(1)),
  `previous_id` String CODEC(ZSTD(1)),
  `session_id` String CODEC(ZSTD(1)),
  `country` LowCardinality(String),
  `channel` LowCardinality(String),
  `device` LowCardinality(String),
  `bot` UInt8,
  `traits` Map(String, String),
  `properties` String CODEC(ZSTD(1)),
  `context` String CODEC(ZSTD(1))
) ENGINE = {{Replacing:}}
ORDER BY (`tenant`, `name`, `time`, `event_id`, `hash`);

-- The quarter-hours of a UTC day in which an actor (no bot) did something, as 96 bits.
CREATE TABLE IF NOT EXISTS {{db}}.activity {{on_cluster}} (
  `tenant` LowCardinality(String),
  `day` Date,
  `actor` String CODEC(ZSTD(1)),
  `quarters` SimpleAggregateFunction(groupBitOr, UInt128)
) ENGINE = {{Aggregating}}
ORDER BY (`tenant`, `day`, `actor`)
SETTINGS min_age_to_force_merge_seconds = 600;

-- That one actor is another: the first event that said so, and every event that undid it (time, event id).
CREATE TABLE IF NOT EXISTS {{db}}.identity_links {{on_cluster}} (
  `tenant` LowCardinality(String),
  `origin` String CODEC(ZSTD(1)),
  `target` String CODEC(ZSTD(1)),
  `first` SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
  `unlinks` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(Int64, UUID))) CODEC(ZSTD(1))
) ENGINE = {{Aggregating}}
ORDER BY (`tenant`, `origin`, `target`)
SETTINGS min_age_to_force_merge_seconds = 600;

-- What an event said of its actor: a set of (time, sequence, event id, hash, value), kept as rows.
CREATE TABLE IF NOT EXISTS {{db}}.traits {{on_cluster}} (
  `tenant` LowCardinality(String),
  `trait` LowCardinality(String),
  `actor` String CODEC(ZSTD(1)),
  `time` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  `sequence` UInt32,
  `event_id` UUID CODEC(NONE),
  `hash` UInt64,
  `value` String CODEC(ZSTD(1))
) ENGINE = {{Replacing:}}
ORDER BY (`tenant`, `trait`, `actor`, `time`, `sequence`, `event_id`, `hash`, `value`);

-- A cart (or a session with cart adds) on one UTC day of its events.
CREATE TABLE IF NOT EXISTS {{db}}.carts {{on_cluster}} (
  `tenant` LowCardinality(String),
  `entity` LowCardinality(String),
  `day` Date,
  `id` String CODEC(ZSTD(1)),
  `created` SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
  `first` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `actor` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `country` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `channel` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `device` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `changes` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(Int64, UInt32, UUID, UInt64, Int64))) CODEC(ZSTD(1)),
  `actors` SimpleAggregateFunction(minMap, Map(String, Int64)) CODEC(ZSTD(1)),
  `sessions` SimpleAggregateFunction(minMap, Map(String, Int64)) CODEC(ZSTD(1)),
  `checkouts` SimpleAggregateFunction(minMap, Map(String, Int64)) CODEC(ZSTD(1))
) ENGINE = {{Aggregating}}
ORDER BY (`tenant`, `entity`, `day`, `id`)
SETTINGS min_age_to_force_merge_seconds = 600;

-- A checkout on one UTC day of its events.
CREATE TABLE IF NOT EXISTS {{db}}.checkouts {{on_cluster}} (
  `tenant` LowCardinality(String),
  `day` Date,
  `id` String CODEC(ZSTD(1)),
  `created` SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
  `first` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `actor` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `country` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `channel` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `device` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `payment_method` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `events` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(Int64, UUID))) CODEC(ZSTD(1)),
  `checkouts` SimpleAggregateFunction(minMap, Map(String, Int64)) CODEC(ZSTD(1)),
  `orders` SimpleAggregateFunction(minMap, Map(String, Int64)) CODEC(ZSTD(1)),
  `carts` SimpleAggregateFunction(minMap, Map(String, Int64)) CODEC(ZSTD(1)),
  `sessions` SimpleAggregateFunction(minMap, Map(String, Int64)) CODEC(ZSTD(1))
) ENGINE = {{Aggregating}}
ORDER BY (`tenant`, `day`, `id`)
SETTINGS min_age_to_force_merge_seconds = 600;

-- An order on one UTC day of its events; money in millionths, cut (not rounded) so that half-up stays exact.
CREATE TABLE IF NOT EXISTS {{db}}.orders {{on_cluster}} (
  `tenant` LowCardinality(String),
  `day` Date,
  `id` String CODEC(ZSTD(1)),
  `completed` SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
  `cancelled` SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
  `voided` SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
  `first` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `actor` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `country` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `channel` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `device` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `cart` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `checkout` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `session` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `events` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(Int64, UUID))) CODEC(ZSTD(1)),
  `amounts` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(Int64, UInt32, UUID, UInt64, Int64, String))) CODEC(ZSTD(1)),
  `refunds` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(Int64, UInt32, UUID, UInt64, Int64))) CODEC(ZSTD(1))
) ENGINE = {{Aggregating}}
ORDER BY (`tenant`, `day`, `id`)
SETTINGS min_age_to_force_merge_seconds = 600;

-- A ticket: the set of what happened to it (time, sequence, event id, hash, rank, marks, agent, created_at).
CREATE TABLE IF NOT EXISTS {{db}}.tickets {{on_cluster}} (
  `tenant` LowCardinality(String),
  `id` String CODEC(ZSTD(1)),
  `actor` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `country` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `channel` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `device` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `priority` SimpleAggregateFunction(min, Tuple(Int64, UInt128, String)) CODEC(ZSTD(1)),
  `transitions` SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(Int64, UInt32, UUID, UInt64, UInt8, UInt8, String, Int64))) CODEC(ZSTD(1))
) ENGINE = {{Aggregating}}
ORDER BY (`tenant`, `id`)
SETTINGS min_age_to_force_merge_seconds = 600;

-- What was refused, why, and where it stood.
CREATE TABLE IF NOT EXISTS {{db}}.dead_letters {{on_cluster}} (
  `tenant` LowCardinality(String),
  `received_at` DateTime64(3, 'UTC'),
  `reason` LowCardinality(String),
  `source` LowCardinality(String),
  `field` String CODEC(ZSTD(1)),
  `message` String CODEC(ZSTD(1)),
  `message_id` String CODEC(ZSTD(1)),
  `payload` String CODEC(ZSTD(1)),
  `topic` LowCardinality(String),
  `partition` UInt32,
  `offset` UInt64,
  `index` UInt32,
  `digest` UInt64
) ENGINE = {{Replacing:}}
ORDER BY (`tenant`, `received_at`, `reason`, `topic`, `partition`, `offset`, `index`, `digest`);
