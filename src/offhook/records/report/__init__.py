"""The report of a call: one HTML page that needs nothing else, made of what was kept."""

from __future__ import annotations

from .page import render

__all__ = ["render"]
