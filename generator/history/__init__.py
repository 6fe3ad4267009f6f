"""Learns from the history of a Prometheus: when alerts would have fired, and what is normal."""
