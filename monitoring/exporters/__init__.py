"""Prometheus exporters of facts that no other exporter has: capacity, quotas, and whether workloads answer.

An exporter reads in laps of its own and a scrape shows the last good lap, with its age. That is a deliberate
exception to Prometheus' custom of asking at scrape time: two Prometheus servers must not double the cloud's
load, and a scrape must be answered, quickly and completely, above all when the cloud is down.
"""
