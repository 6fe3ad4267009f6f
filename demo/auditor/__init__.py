"""A stand-in for the JuraGPT Auditor: the same routes, shapes, metrics, log lines and manners.

Facts from the service's public source (federicodeponte/juragpt-unified, services/verification); the
verification itself is a toy.
"""
