"""The report of a load: one HTML page that needs nothing else."""

from __future__ import annotations

from .page import render

__all__ = ["render"]
