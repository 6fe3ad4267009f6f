"""Alloy's configuration: it takes the Auditor's log as syslog and hands it on to Loki.

Docker's own syslog driver sends it, so nobody needs Docker's socket, which is root on the host.
"""

from __future__ import annotations

import re
from typing import Final

from generator.thresholds import Thresholds
from generator.yamlfile import HEADER

PATH: Final = "deploy/compose/logs.alloy"
PORT: Final = 1514
# Docker cuts a line at 16 KiB; Alloy's default is half of that.
LONGEST: Final = 32_768


def render(thresholds: Thresholds) -> dict[str, str]:
    """The file by its path."""
    labels = "".join(f'      {name} = "{value}",\n' for name, value in _labels(thresholds).items())
    return {
        PATH: f"""{HEADER.replace("#", "//", 1)}
loki.source.syslog "auditor" {{
  listener {{
    address  = "0.0.0.0:{PORT}"
    protocol = "udp"
    labels   = {{
{labels}    }}
    max_message_length = {LONGEST}
  }}
  forward_to = [loki.write.loki.receiver]
}}

loki.write "loki" {{
  endpoint {{
    url = "{thresholds.deploy.loki}/loki/api/v1/push"
  }}
}}
"""
    }


def _labels(thresholds: Thresholds) -> dict[str, str]:
    """What the dashboards' log selector asks for; Loki takes no stream without a label."""
    equal = re.findall(r'(\w+)="([^"]*)"', thresholds.dashboards.log_selector)
    return dict(equal) or {"app": thresholds.service.name}
