-- For a development database only: this is the legacy application's own data.
DROP TABLE recipe_ingredients;
DROP TABLE recipetable;
