"""PostgreSQL: the only room for asyncpg. Each table has one writing module; statements live in sql/*.sql."""
