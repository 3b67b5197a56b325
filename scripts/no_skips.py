"""Ends with a clear line for each test that was skipped, by pytest's JUnit reports.

Usage: no_skips.py REPORT...
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET


def skipped(report: Path) -> Iterator[str]:
    """Each test that did not run, and why."""
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest wrote it just now
        for mark in case.iter("skipped"):
            if mark.get("type") != "pytest.xfail":
                yield f"{case.get('classname')}::{case.get('name')}: {mark.get('message')}"


def main(reports: list[str]) -> None:
    """Read the reports; those that were never written hold nothing."""
    found = [line for report in reports if Path(report).exists() for line in skipped(Path(report))]
    if found:
        sys.exit("In CI nothing may be skipped:\n" + "\n".join(found))


if __name__ == "__main__":
    main(sys.argv[1:])
