from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def loggers() -> None:
    """The sidecar's loggers, whatever another test in this process has done to them."""
    logging.disable(logging.NOTSET)
    for name in ("exporters", "exporters.web"):
        logger = logging.getLogger(name)
        logger.disabled, logger.propagate = False, True
        logger.setLevel(logging.DEBUG)
