"""Bible translation and recording coverage on PostgreSQL, fresh within milliseconds of a write."""

__all__ = ["__version__"]

__version__: str


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: that takes a while, and every import runs this."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    globals()[name] = found = version("bible-progress")
    return found
