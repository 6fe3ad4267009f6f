"""`python -m mutation`."""

from mutation.cli import main

raise SystemExit(main())
