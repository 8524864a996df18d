"""The project's version; knows nothing else."""

__version__ = "0.1.0"
