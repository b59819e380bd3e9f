"""gtn-nas: cheap, measured architecture search with Generative Teaching Networks.

A teacher is meta-trained once for a task and a search space; candidates are then scored with its synthetic
batches in about a second each, and how far those scores can be trusted is measured against real training.
"""

from importlib.metadata import version

__version__ = version("gtn-nas")
__all__ = ["__version__"]
