"""The dashboards in a running Grafana: what is there, who changed it, and how it gets there."""
