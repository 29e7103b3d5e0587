-- What an event says of referral codes: an invitation, somebody who came with a code, an order (rows, kept as they are).
CREATE TABLE IF NOT EXISTS {{db}}.referrals {{on_cluster}} (
  `tenant` LowCardinality(String),
  `kind` LowCardinality(String),
  `actor` String CODEC(ZSTD(1)),
  `code` String CODEC(ZSTD(1)),
  `order_id` String CODEC(ZSTD(1)),
  `payment` String CODEC(ZSTD(1)),
  `bot` UInt8,
  `time` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  `sequence` UInt32,
  `event_id` UUID CODEC(NONE),
  `hash` UInt64
) ENGINE = {{Replacing:}}
ORDER BY (`tenant`, `kind`, `actor`, `code`, `order_id`, `payment`, `bot`, `time`, `sequence`, `event_id`, `hash`);
