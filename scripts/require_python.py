"""Ends with a clear line where this Python is too old to install Courtesy."""

import sys

OLDEST = (3, 11)

if sys.version_info < OLDEST:
    sys.exit(
        f"Courtesy needs Python {OLDEST[0]}.{OLDEST[1]} or newer; {sys.executable} is "
        f"{sys.version.split()[0]}. Try: make PYTHON=python3.11"
    )
