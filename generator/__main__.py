"""``python -m generator``."""

import gc
import sys

gc.disable()  # half a second makes no garbage worth looking for; saves a tenth of it

from generator.cli import main  # noqa: E402  # after the collector is off: imports are half the run

sys.exit(main())
