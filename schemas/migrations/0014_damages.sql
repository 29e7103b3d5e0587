-- Which parts each table had at the last look, with their rows and, of events, the times that they hold (ms).
CREATE TABLE IF NOT EXISTS {{db}}.ledger {{on_cluster}} (
  `table` LowCardinality(String),
  `version` Int64,
  `parts` Array(Tuple(String, String, Int64, Int64, UInt64, Int64, Int64)) CODEC(ZSTD(1))
) ENGINE = {{Replacing:version}}
ORDER BY `table`;

-- What was lost of which table, when that was noticed, and whether it was made good since.
CREATE TABLE IF NOT EXISTS {{db}}.damages {{on_cluster}} (
  `table` LowCardinality(String),
  `part` String,
  `found_at` Int64,
  `version` Int64,
  `reason` LowCardinality(String),
  `rows` UInt64,
  `first` Int64,
  `last` Int64,
  `closed_at` Int64
) ENGINE = {{Replacing:version}}
ORDER BY (`table`, `part`, `found_at`);
