"""What is kept for years: the SLA ledger and the city's daily capacity. The only place that speaks SQL.

SQLite (in WAL mode) for one monitoring server, PostgreSQL where several share a ledger; by SQLAlchemy's URL.
"""
