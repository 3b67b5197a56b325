"""Every command in the documentation runs, in order, as a reader would run it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_MAKE = re.compile(r"^make [a-z]+(?: .*)?$", re.MULTILINE)


def blocks(page: str) -> str:
    """The shell blocks of a page that can be run as they stand, as one script."""
    found = _BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    return "\n".join(block for block in found if not _MAKE.search(block))


def run(page: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the commands of a page in a folder that holds nothing but the examples."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    binaries = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", blocks(page)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_readme_runs_as_it_stands(tmp_path: Path) -> None:
    assert blocks("README.md").count("courtesy ") >= 9
    done = run("README.md", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 people" in done.stdout
    assert "ana@customers.example" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_page_on_imports_runs_as_it_stands(tmp_path: Path) -> None:
    done = run("docs/imports.md", tmp_path)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "examples/archive: 4 rows read, 4 accepted" in said
    assert "dia@customers.example" in said
    assert said.count("0 rejected") == 3


def test_the_page_on_operation_runs_as_it_stands(tmp_path: Path) -> None:
    done = run("docs/operation.md", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "A new epoch has begun." in done.stdout
    assert "there is nothing to repair" in done.stdout
    assert (tmp_path / "restored" / "secret").is_file()


def test_the_page_on_delivery_runs_as_it_stands(tmp_path: Path) -> None:
    done = run("docs/delivery.md", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "0 messages are queued again." in done.stdout


def test_the_page_on_journeys_runs_as_it_stands(tmp_path: Path) -> None:
    done = run("docs/journeys.md", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "welcome is stopped: 0 people left (reason stopped)" in " ".join(done.stdout.split())


def test_the_page_on_replay_runs_as_it_stands(tmp_path: Path) -> None:
    done = run("docs/replay.md", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "none sent" in " ".join(done.stdout.split())
    assert not (tmp_path / "replay-home-replay").exists()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_a_page_names_is_there(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z]+)\b", text)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_file_that_a_page_links_to_is_there() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
