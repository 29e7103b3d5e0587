-- How far each partition of the log is counted (receipt time, ms), and how many partitions there are.
CREATE TABLE IF NOT EXISTS {{db}}.watermarks {{on_cluster}} (
  `topic` LowCardinality(String),
  `partition` UInt32,
  `counted_to` SimpleAggregateFunction(max, Int64),
  `partitions` SimpleAggregateFunction(max, UInt32)
) ENGINE = {{Aggregating}}
ORDER BY (`topic`, `partition`);
