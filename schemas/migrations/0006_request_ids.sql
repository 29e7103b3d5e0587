-- From which request a row came: of a copy that was sent again, the one that the engine kept.
ALTER TABLE {{db}}.events {{on_cluster}} ADD COLUMN IF NOT EXISTS `request_id` String CODEC(ZSTD(1));
ALTER TABLE {{db}}.dead_letters {{on_cluster}} ADD COLUMN IF NOT EXISTS `request_id` String CODEC(ZSTD(1));
