"""What a running Prometheus remembers: what alerts would have done, and what is normal."""
