"""scripts/fuzz: no mutant of a model or a table is a fault, and faults of all kinds are noticed."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz import answers, rows
from fuzz.models import draw_model, original_model
from fuzz.mutants import Mutant, Special, draw, draw_mutant
from fuzz.run import Found, run
from fuzz.tables import draw_table
from fuzz.trial import Trials, Verdict
from fuzz.worker import work
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random import Random

from npbert.checkpoints.safetensors_files import CheckpointError
from npbert.distilbert.cpus import available_cpus

FIXED_SEED = 0
MUTANTS = 10_000  # of each seed

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="for Linux alone")


@pytest.mark.parametrize("seed", [FIXED_SEED, secrets.randbelow(10**9)], ids=["fixed", "random"])
def test_mutants_of_a_seed(seed: int, record_property: Any) -> None:
    """Each fault is shown with the command that repeats it, in which the seed stands."""
    found = run(seed, range(MUTANTS), n_workers=available_cpus(), share=0.25)
    report = "\n".join(found.report())
    print(report)
    assert found.faults == [], report
    assert found.n_mutants == MUTANTS
    assert sum(found.comparisons.values()) > MUTANTS / 6  # many mutants are loaded, and compared
