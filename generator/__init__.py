"""Renders dashboards, alert rules, their tests and their runbooks from one file of thresholds."""
