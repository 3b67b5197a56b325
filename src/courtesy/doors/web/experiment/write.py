"""A file for people: the page or the picture of an experiment, by the file's suffix."""

from collections.abc import Callable, Mapping
from pathlib import Path

from courtesy.app import App
from courtesy.doors.web.experiment.gather import gather
from courtesy.doors.web.experiment.model import Findings
from courtesy.doors.web.experiment.page import page
from courtesy.ground.primitives.errors import InputError


def write_experiment(app: App, name: str, file: Path) -> Findings:
    """Look an experiment up and write its page (``.html``) or picture (``.svg``, ``.png``).

    Args:
        app: the home.
        name: an experiment, a journey with a holdout, a program or ``universal``.
        file: what to write; its suffix says what.

    Returns:
        What stands in it.

    Raises:
        NotFoundError: there is nothing of this name.
        DataError: there is nothing to compare under this name.
        InputError: the suffix is none of these, or the file cannot be written.
    """
    _form(file)
    findings = gather(app, name)
    write(findings, file)
    return findings


def write(findings: Findings, file: Path) -> None:
    """Write the page or the picture of findings.

    Raises:
        InputError: the suffix is none of ``.html``, ``.svg`` and ``.png``, or the file cannot be
            written.
    """
    data = _form(file)(findings)
    try:
        file.write_bytes(data)
    except OSError as error:
        raise InputError(f"It cannot be written: {error.strerror}.", place=str(file)) from error


def _form(file: Path) -> Callable[[Findings], bytes]:
    form = _FORMS.get(file.suffix.lower())
    if form is None:
        raise InputError(
            f"It ends on {', '.join(_FORMS)}; found {file.suffix or 'nothing'!r}.", place=str(file)
        )
    return form


def _page(findings: Findings) -> bytes:
    return page(findings).encode()


def _png(findings: Findings) -> bytes:
    from courtesy.doors.web.experiment.picture import PNG, picture  # noqa: PLC0415 - see below

    return picture(findings, PNG)


def _svg(findings: Findings) -> bytes:
    """Matplotlib takes a second to load, which no other command should wait for."""
    from courtesy.doors.web.experiment.picture import SVG, picture  # noqa: PLC0415 - see above

    return picture(findings, SVG)


_FORMS: Mapping[str, Callable[[Findings], bytes]] = {".html": _page, ".svg": _svg, ".png": _png}
