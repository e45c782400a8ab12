"""Dashboards as code: what Grafana shows, and the queries of every panel for tests."""
