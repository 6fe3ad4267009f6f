"""The alerts, a module for each family or part of one."""
