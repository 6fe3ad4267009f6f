"""Mutation testing of Prometheus rules: changes of a rule that its tests would not notice."""
