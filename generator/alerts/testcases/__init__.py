"""The promtool test cases of the alerts: input series, standard cases, and special ones."""
