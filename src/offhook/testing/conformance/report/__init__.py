"""The scorecard as one self-contained page."""

from .page import render

__all__ = ["render"]
