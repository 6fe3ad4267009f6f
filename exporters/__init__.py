"""The sidecar: metrics of the Auditor's workers that the service cannot give of itself."""

from typing import Final

VERSION: Final = "0.1.0"
