-- The records of live keys whose tables have no columns of the bridge's: of entities that say record: 'sideTable'. A row without
-- one counts as it does in a table whose columns hold their defaults: version 1, Aurora's, no move, known by its id.
CREATE TABLE backsync_records (
  entity VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  entity_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- Of a counted row, its id; NULL where the key is the primary key's columns, and while the row is being made.
  legacy_id BIGINT NULL DEFAULT NULL,
  version DECIMAL(50, 0) NOT NULL DEFAULT 1,
  updated_at TIMESTAMP(3) NULL DEFAULT NULL,
  owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL,
  epoch BIGINT UNSIGNED NOT NULL DEFAULT 0,
  PRIMARY KEY (entity, entity_key),
  UNIQUE KEY legacy_id (entity, legacy_id)
);
