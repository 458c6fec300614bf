"""``python -m npbert``: the command line."""

import sys

from npbert.cli import main

sys.exit(main())
