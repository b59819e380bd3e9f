"""The one exception that carries a sentence for the user."""

__all__ = ["UserError"]


class UserError(ValueError):
    """Something the user can put right.

    The message is one sentence that names the rule, the offending value and the remedy; the command line
    prints it alone, without a traceback, and exits with code 2.
    """
