-- The log of the mirror to DynamoDB: which keys have been written, in the order in which each was. Triggers write it, in the
-- transaction of whoever writes; the relay reads the rows as they are by then, and deletes what it has carried over.
CREATE TABLE backsync_changes (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  entity VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  entity_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  op VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version DECIMAL(50, 0) NOT NULL,
  owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL,
  epoch BIGINT UNSIGNED NOT NULL DEFAULT 0,
  at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  -- A claim asks whether something of its key is still to be carried over.
  KEY entity_key (entity, entity_key)
);

-- What plain SQL has written of keys that DynamoDB owns, of entities that record it instead of refusing it: the row as JSON.
CREATE TABLE backsync_conflicts (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  entity VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  entity_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  op VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version DECIMAL(50, 0) NOT NULL,
  epoch BIGINT UNSIGNED NOT NULL DEFAULT 0,
  content LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY entity_key (entity, entity_key)
);

-- Whose writes the triggers have to let be: a transaction of the bridge's own puts its connection here at its beginning, and
-- takes it out at its end, so that nobody else ever sees it, whatever becomes of the transaction.
CREATE TABLE backsync_writers (
  connection BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (connection)
);
