"""Pushes the dashboards to a running Grafana, and finds edits made there."""
