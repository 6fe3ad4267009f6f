"""Configurations as Jinja2 templates, in the folder `templates`.

Rendered YAML is parsed and dumped again: templates can be laid out, quoted and commented for their
readers, and every rendered file has the same canonical form.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader

from generator.templates import environment
from generator.thresholds import Thresholds
from generator.thresholds.units import format_duration
from generator.yamlfile import read_yaml


def filled(template: str, thresholds: Thresholds, /, **values: object) -> str:
    """The template, rendered with the sections of the thresholds and the `values` by name."""
    return _environment().get_template(template).render({**vars(thresholds), **values})


def document(template: str, thresholds: Thresholds, /, **values: object) -> dict[str, Any]:
    """The same for a YAML template, parsed."""
    return read_yaml(filled(template, thresholds, **values))


@cache
def _environment() -> Environment:
    found = environment(PackageLoader("generator.deploy"))
    found.filters |= {
        "duration": format_duration,
        "host": lambda address: _host_and_port(address)[0],
        "port": lambda address: _host_and_port(address)[1],
    }
    return found


def _host_and_port(address: str) -> tuple[str, str]:
    """Host and port of a URL or a target; without a port, the default of the URL's scheme."""
    scheme, _, rest = address.rpartition("://")
    place = rest.partition("/")[0]
    port = re.search(r":(\d+)$", place)
    if port:
        return place[: port.start()], port[1]
    return place, "443" if scheme == "https" else "80"
