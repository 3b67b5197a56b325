"""The HTTP door: what clients tell us comes in here, and is durable before the answer."""

from courtesy.doors.api.server import create_api

__all__ = ["create_api"]
