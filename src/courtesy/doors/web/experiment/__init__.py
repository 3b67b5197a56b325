"""The page of one experiment, and one picture of it.

In: an experiment of a home. Out: a page (HTML) or a picture (SVG, PNG). ``gather`` looks everything
up, ``write`` writes it, ``write_experiment`` does both.
"""

from courtesy.doors.web.experiment.gather import gather
from courtesy.doors.web.experiment.model import Findings
from courtesy.doors.web.experiment.write import write, write_experiment

__all__ = ["Findings", "gather", "write", "write_experiment"]
