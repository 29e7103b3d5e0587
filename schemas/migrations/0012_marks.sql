-- What one process has to know of itself at its next start, by name: of each the newest version counts.
CREATE TABLE IF NOT EXISTS {{db}}.marks {{on_cluster}} (
  `name` LowCardinality(String),
  `version` Int64,
  `value` Int64
) ENGINE = {{Replacing:version}}
ORDER BY `name`;
