"""DistilBERT in pure NumPy.

    >>> import npbert
    >>> npbert.classify("I love this film.", model="mini")

The public names stand in ``__init__.pyi``. A name is loaded when it is first used, so
``import npbert`` costs almost nothing.
"""

from npbert import _lazy

__all__ = _lazy.public_names()  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__ = _lazy.load
__dir__ = _lazy.public_names
