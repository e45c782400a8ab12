"""Ops pages: what staff and agencies see in a browser without Grafana. Plain HTML and SVG, no scripts.

`server.py` serves them beside Prometheus; the portal may call the page functions itself: facts in, HTML out.
"""
