"""Files that hold a JSON object, such as config.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from npbert.checkpoints.small_files import read_small_file


def read_json_object(path: str | Path) -> dict[str, Any]:
    """Read a file that must hold a JSON object.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file holds something else, or is too large.
    """
    content = read_small_file(path)
    try:
        values = json.loads(content.decode())
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, nested too deeply
        raise ValueError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds a {type(values).__name__}, expected a JSON object")
    return values
