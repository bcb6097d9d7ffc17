-- Which of the operator's local directories an account may use, by the names that the operator gives them.
ALTER TABLE tidegate.accounts ADD COLUMN local_directories text[] NOT NULL DEFAULT '{}';
