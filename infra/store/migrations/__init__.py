"""How the portal's database came to its tables, step by step (Alembic)."""
