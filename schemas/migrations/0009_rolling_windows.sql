-- What changed since a receipt time: live events lie together in it, so that few granules have to be read.
ALTER TABLE {{db}}.events {{on_cluster}} ADD INDEX IF NOT EXISTS received received_at TYPE minmax GRANULARITY 1;

-- What was counted of the units that entered in [start, end), in total and by each value of one dimension (cut), as of
-- a version. The rows of the newest version part the time without gaps; `place` is their order.
CREATE TABLE IF NOT EXISTS {{db}}.metric_buckets {{on_cluster}} (
  `tenant` LowCardinality(String),
  `metric` LowCardinality(String),
  `span` LowCardinality(String),
  `cut` LowCardinality(String),
  `place` UInt16,
  `version` Int64,
  `start` Int64,
  `end` Int64,
  `cells` String CODEC(ZSTD(1))
) ENGINE = {{Replacing:version}}
ORDER BY (`tenant`, `metric`, `span`, `cut`, `place`);

-- The published answers: of the windows that roll (end 0), and of those that have closed.
CREATE TABLE IF NOT EXISTS {{db}}.metric_points {{on_cluster}} (
  `tenant` LowCardinality(String),
  `metric` LowCardinality(String),
  `window` LowCardinality(String),
  `cut` LowCardinality(String),
  `end` Int64,
  `version` Int64,
  `body` String CODEC(ZSTD(1))
) ENGINE = {{Replacing:version}}
ORDER BY (`tenant`, `end`, `metric`, `window`, `cut`);

-- Values of closed windows that were published and are others now: what they were and as of which version, what they
-- became, and why. An owner that died between telling so and publishing the new value is followed by one that tells it
-- again, which is the same row.
CREATE TABLE IF NOT EXISTS {{db}}.revisions {{on_cluster}} (
  `tenant` LowCardinality(String),
  `metric` LowCardinality(String),
  `start` Int64,
  `end` Int64,
  `segment` String,
  `before` Int64,
  `at` Int64,
  `old` Nullable(Float64),
  `new` Nullable(Float64),
  `why` LowCardinality(String)
) ENGINE = {{Replacing:}}
ORDER BY (`tenant`, `metric`, `start`, `end`, `segment`, `before`);
