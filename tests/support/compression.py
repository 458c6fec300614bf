"""Bytes to compress, and compressed bytes in every form that is read."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from functools import partial

import pyarrow

Convert = Callable[[bytes], bytes]
COMPRESSORS: dict[str, Convert] = {
    "gz": gzip.compress,
    "zst": partial(pyarrow.compress, codec="zstd", asbytes=True),
    "bz2": bz2.compress,
    "xz": lzma.compress,
}

CONTENT = "".join(f"{number}, é\n" for number in range(3000)).encode()  # several blocks
SHORT = b"one\ntwo\n"
