"""The sidecar: exports metrics of the Auditor's workers that the service cannot measure itself."""

from typing import Final

VERSION: Final = "0.1.0"
