from tests.bots.fakes import pool

__all__ = ["pool"]
