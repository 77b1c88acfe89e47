"""`python -m codextui`."""

import sys

from codextui.cli import main

sys.exit(main())
