-- How far the mirror of each entity has come, as Aurora knows it: a number that only grows, with what each of the last ones is known by.
-- DynamoDB keeps the one that it was told last. A store that lacks what the other one was told of it was restored to an earlier time.
CREATE TABLE backsync_marks (
  entity VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  mark BIGINT UNSIGNED NOT NULL,
  -- Of this mark and of those before it, the last one first, with blanks between.
  tokens VARCHAR(512) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- The mark that DynamoDB is known to have had.
  witnessed BIGINT UNSIGNED NOT NULL DEFAULT 0,
  PRIMARY KEY (entity)
);
