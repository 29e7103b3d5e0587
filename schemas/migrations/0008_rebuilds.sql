-- How far the archive has been folded again for a fact: in each run the last place done, and whether that was the end.
CREATE TABLE IF NOT EXISTS {{db}}.rebuilds {{on_cluster}} (
  `fact` LowCardinality(String),
  `run` Int64,
  `reached` SimpleAggregateFunction(max, Tuple(String, String, Int64, UInt128, UInt64)),
  `done` SimpleAggregateFunction(max, UInt8)
) ENGINE = {{Aggregating}}
ORDER BY (`fact`, `run`);
