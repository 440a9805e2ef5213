"""Bible translation and recording coverage on PostgreSQL, fresh within milliseconds of a write."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("bible-progress")
