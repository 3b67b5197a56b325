"""In CI a skipped test is a failure."""

import subprocess
import sys
from pathlib import Path

_REPORT = '<testsuite><testcase classname="t" name="one">{}</testcase></testsuite>'


def _run(root: Path, report: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "scripts" / "no_skips.py"), str(report)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_skipped_test_is_named_and_fails(root: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(_REPORT.format('<skipped type="pytest.skip" message="no server"/>'))
    done = _run(root, report)
    assert done.returncode == 1
    assert "t::one: no server" in done.stderr


def test_what_ran_or_failed_as_expected_passes(root: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    for mark in ("", '<skipped type="pytest.xfail" message="known"/>'):
        report.write_text(_REPORT.format(mark))
        assert _run(root, report).returncode == 0
    assert _run(root, tmp_path / "absent.xml").returncode == 0
