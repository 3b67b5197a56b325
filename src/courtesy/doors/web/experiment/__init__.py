"""The page of one experiment, and one picture of it.

In: what was measured and planned. Out: a page (HTML) or a picture (SVG, PNG).
"""
