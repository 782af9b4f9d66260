"""The one exception that a boundary raises for bad input."""


class InputError(ValueError):
    """Something from outside (file, message, parameter, command line) is wrong.

    The text is one line that says what was wrong and what would be right; commands print it and exit with 2, the node
    logs it, counts it and goes on.
    """
