"""Mutation testing of Prometheus rules: shows which changes of a rule its promtool tests miss."""
