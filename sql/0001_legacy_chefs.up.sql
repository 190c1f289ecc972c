-- The legacy application's table, as it was before Backsync.
-- Where it exists already (a live system), nothing is changed.
CREATE TABLE IF NOT EXISTS cheftable (
  id BIGINT AUTO_INCREMENT,
  cheffirst VARCHAR(255),
  cheflast VARCHAR(255),
  PRIMARY KEY (id)
);
