-- Calls of functions whose end is not known are forgotten: let none be at work.
DROP TABLE backsync_calls;
