-- The version at which a key was deleted, kept so that an older write that arrives late can't bring the row back.
CREATE TABLE backsync_tombstones (
  entity VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  entity_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  version BIGINT UNSIGNED NOT NULL,
  deleted_at TIMESTAMP(3) NULL DEFAULT NULL,
  PRIMARY KEY (entity, entity_key)
);
