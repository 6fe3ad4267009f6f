"""``python -m generator``."""

import gc
import signal
import sys

gc.disable()  # less than a second makes no garbage worth looking for; saves a tenth of it

from generator.cli import main  # noqa: E402  # after the collector is off: imports are half the run

signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing is left behind
sys.exit(main())
