"""`python -m bible_progress` is the same as `bible-progress`."""

import sys

from .cli import main

sys.exit(main())
