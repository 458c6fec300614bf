"""A process that tries mutants, and writes a line of JSON before and after each."""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fuzz.mutants import draw_mutant
from fuzz.trial import Trials

_MEMORY_FOLDER: Final = "/dev/shm"  # of Linux, where files take no time of a disk


def work(seed: int, numbers: Iterator[int], share: float, keep: Path | None = None) -> None:
    """Try the mutants of a seed that have these numbers.

    Parameters
    ----------
    seed : int
    numbers : iterator of int
    share : float
        The share of the answers of models that are compared with transformers.
    keep : Path, optional
        A new folder in which the files of the mutants stay.
    """
    _import_quietly()
    in_memory = _MEMORY_FOLDER if os.access(_MEMORY_FOLDER, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=in_memory) as folder:
        trials = Trials(Path(folder))
        trials.warm_up()
        for number in numbers:
            print(json.dumps({"number": number}), flush=True)
            mutant = draw_mutant(seed, number)
            compares = random.Random(f"{seed} {number} compares").random() < share
            place = None if keep is None else keep / str(number)
            verdict = trials.judge(mutant, place, compares=compares)
            print(json.dumps({"kind": mutant.kind, **verdict._asdict()}), flush=True)


def _import_quietly() -> None:
    os.environ["TRANSFORMERS_VERBOSITY"] = "critical"
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
