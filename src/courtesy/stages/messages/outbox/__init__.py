"""The outbox while it is handed over: what workers claimed, what is uncertain, what is held.

In: a worker, a channel, the present instant. Out: messages given back, doubted or repeated, and
holds. Verbs: ``store.release``, ``repeat``, ``hold``.
"""
