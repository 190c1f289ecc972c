-- The legacy application's tables, as they were before Backsync.
-- Where they exist already (a live system), nothing is changed.
CREATE TABLE IF NOT EXISTS recipetable (
  id BIGINT NOT NULL AUTO_INCREMENT,
  chef_id BIGINT NOT NULL,
  title VARCHAR(200) NOT NULL,
  price DECIMAL(10, 2) NULL,
  published_on DATE NULL,
  is_vegetarian TINYINT(1) NOT NULL DEFAULT 0,
  servings INT NOT NULL DEFAULT 4,
  difficulty ENUM('easy', 'medium', 'hard') NULL,
  notes JSON NULL,
  thumbnail BLOB NULL,
  PRIMARY KEY (id),
  KEY chef_id (chef_id),
  CONSTRAINT recipe_chef FOREIGN KEY (chef_id) REFERENCES cheftable (id)
);

CREATE TABLE IF NOT EXISTS recipe_ingredients (
  recipe_id BIGINT NOT NULL,
  position INT NOT NULL,
  name VARCHAR(100) NOT NULL,
  quantity DECIMAL(12, 3) NULL,
  unit VARCHAR(20) NULL,
  PRIMARY KEY (recipe_id, position),
  CONSTRAINT ingredient_recipe FOREIGN KEY (recipe_id) REFERENCES recipetable (id)
);
