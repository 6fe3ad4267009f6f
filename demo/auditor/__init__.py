"""A stand-in for the JuraGPT Auditor with its routes, JSON, metrics, log lines and limits.

They follow the service's public source (federicodeponte/juragpt-unified, services/verification).
The verification itself is a toy.
"""
