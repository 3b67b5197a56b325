"""The ways in: each parses, calls one verb and shapes the answer."""
