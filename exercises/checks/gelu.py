"""Checks of 06_gelu.py."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from checks import material
from checks.verdict import Function, Mistake, judge
from npbert.distilbert import activations

erf: Final[Any] = np.vectorize(math.erf, otypes=[np.float64])

MISTAKES: Final[list[Mistake]] = [
    (
        "This is the approximation of GELU by tanh; the model was trained with the exact one, "
        "from erf.",
        lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    ("x is not divided by sqrt(2) before erf.", lambda x: x / 2 * (1 + erf(x))),
    (
        "x is multiplied by sqrt(2) before erf, and not divided by it.",
        lambda x: x / 2 * (1 + erf(x * math.sqrt(2))),
    ),
    ("x is divided by 2 before erf, and not by sqrt(2).", lambda x: x / 2 * (1 + erf(x / 2))),
    (
        "The division by 2 is missing: erf goes from -1 to 1, and a share from 0 to 1.",
        lambda x: x * (1 + erf(x / math.sqrt(2))),
    ),
    (
        "The 1 is missing: erf goes from -1 to 1, and a share from 0 to 1.",
        lambda x: x * erf(x / math.sqrt(2)) / 2,
    ),
    (
        "This is the share Phi(x) alone; GELU is x times it.",
        lambda x: (1 + erf(x / math.sqrt(2))) / 2,
    ),
    ("This is ReLU, max(x, 0).", lambda x: np.maximum(x, 0)),
    (
        "This is x times the logistic function of 1.702 x, which is only near to GELU.",
        lambda x: x / (1 + np.exp(-1.702 * x)),
    ),
    (
        "Only the 1 is divided by 2: put 1 + erf(…) into brackets.",
        lambda x: x * (1 / 2 + erf(x / math.sqrt(2))),
    ),
    (
        "Only erf is divided by 2: put 1 + erf(…) into brackets.",
        lambda x: x * (1 + erf(x / math.sqrt(2)) / 2),
    ),
]


def check_gelu(gelu: Function) -> None:
    """Bend numbers whose shares are in every table, and those of the first layer of `mini`."""
    x = np.array([-1.0, 0.0, 1.0, 2.0])
    judge(gelu, [x], [-0.15865525, 0.0, 0.84134475, 1.95449974], MISTAKES)
    inner = material.textbook().linear("transformer.layer.0.ffn.lin1", material.state(0))
    npberts = activations.gelu(np.array(inner, np.float32))
    judge(gelu, [inner], npberts, MISTAKES)
