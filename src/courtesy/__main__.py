"""``python -m courtesy`` is ``courtesy``."""

from courtesy.doors.cli import main

main()
