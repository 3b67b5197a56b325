"""Clock, ids, bucketing, JSON and the error tree: no I/O, no knowledge of the domain."""
