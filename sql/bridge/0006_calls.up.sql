-- What is being written by functions of a team's own, of entities that say legacyFunction: whoever has the row of a key calls the
-- function for it, and nobody else does until that has ended, or can have no effect any more.
CREATE TABLE backsync_calls (
  entity VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  entity_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  version DECIMAL(50, 0) NOT NULL,
  op VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- When the write was made that is called for.
  at DATETIME(3) NOT NULL,
  -- Who calls: one for each time that somebody takes a call over.
  token CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- From then on another one may call, by the server's clock in UTC; and when this version was called for first.
  until DATETIME(3) NOT NULL,
  since DATETIME(3) NOT NULL,
  -- How often the call was taken up.
  attempts INT UNSIGNED NOT NULL DEFAULT 1,
  -- The call as JSON, by which it can be told later whether it was done.
  body LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (entity, entity_key)
);
