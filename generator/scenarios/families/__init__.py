"""The scenarios themselves, a module for each kind of fault.

A module names the FAMILY of alerts concerned. Every public function of it is a scenario, whose name
is that of the function, with hyphens, and whose story is the docstring. It gives None where the
numbers of the thresholds make no sense for it.
"""
