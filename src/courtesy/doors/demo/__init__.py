"""The demo: an invented coffee shop, its simulated customers and a mail server on this machine.

In: how many people, for how long, with which luck. Out: a home in which all of it happened, and
the true effects that only the simulation knows. It uses the system only as clients may: over its
API, and by reading the mail that arrives.
"""
