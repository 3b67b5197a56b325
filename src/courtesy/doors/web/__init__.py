"""Pages for people. In: a home. Out: the report, one HTML file that needs nothing else.

``gather`` looks everything up, ``page`` writes it.
"""

from courtesy.doors.web.gather import gather
from courtesy.doors.web.model import Report
from courtesy.doors.web.render import page

__all__ = ["Report", "gather", "page"]
