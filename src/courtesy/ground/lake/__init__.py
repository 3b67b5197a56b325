"""The history: append-only Delta tables, and the engine that queries them.

In: frames and statements in DuckDB's dialect. Out: frames.
Verbs: ``Lake.append``, ``version``, ``files``, ``compact``; ``Engine.query``.
"""

from courtesy.ground.lake.engine import DuckDBEngine, Engine
from courtesy.ground.lake.epoch import Part
from courtesy.ground.lake.lake import Lake, Table

__all__ = ["DuckDBEngine", "Engine", "Lake", "Part", "Table"]
