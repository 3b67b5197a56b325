"""Definitions as code: YAML and templates, checked with places and kept in versions.

In: files of a workspace. Out: frozen models, stored versions.
Verbs: ``read_yaml``, ``check``; ``store.put``, ``store.active``, ``store.version``.
"""

from courtesy.ground.definitions.check import check
from courtesy.ground.definitions.document import Document, Model
from courtesy.ground.definitions.read import read_yaml

__all__ = ["Document", "Model", "check", "read_yaml"]
