-- Whose a deleted key is, and since which move. No owner: Aurora's.
ALTER TABLE backsync_tombstones
  ADD COLUMN owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL,
  ADD COLUMN epoch BIGINT UNSIGNED NOT NULL DEFAULT 0,
  ALGORITHM=INSTANT;

-- Entities of which every record says whose its key is. Until an entity is here, its rows may lack an owner that they have:
-- those that came from DynamoDB before there were owners. No write is refused for its owner then, and no key changes hands.
CREATE TABLE backsync_owners (
  entity VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  since TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (entity)
);
