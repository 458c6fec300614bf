"""Checks of 07_layer.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from encoder import attention, gelu, normalize, relu
from encoder import linear as right_linear

from checks import material
from checks.split_heads import merge, split
from checks.verdict import Floats, Function, Mistake, judge

Weights = dict[str, Floats]
Linear = Callable[[Floats, Floats, Floats], Floats]
NAME: Final = "transformer.layer.{}."
N_HEADS: Final = 12


class Steps:
    """The steps of a layer, and what each of them can do wrong."""

    def __init__(
        self,
        weights: Weights,
        n_heads: int,
        linear: Linear = right_linear,
        bend: Callable[[Floats], Floats] = gelu,
    ) -> None:
        self.weights = weights
        self.n_heads = n_heads
        self.apply = linear
        self.bend = bend

    def linear(self, name: str, x: Floats) -> Floats:
        """Apply a linear layer by its name."""
        return self.apply(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def heads(self, x: Floats) -> Floats:
        """Let every head attend."""
        projected = (self.linear(f"attention.{part}_lin", x) for part in "qkv")
        parts = (split(array, self.n_heads) for array in projected)
        return merge(np.array([attention(*one) for one in zip(*parts, strict=True)]))

    def attend(self, x: Floats) -> Floats:
        """Let every head attend, and mix what they found."""
        return self.linear("attention.out_lin", self.heads(x))

    def feed(self, x: Floats) -> Floats:
        """Change each row by itself."""
        return self.linear("ffn.lin2", self.bend(self.linear("ffn.lin1", x)))

    def norm(self, name: str, x: Floats) -> Floats:
        """Normalize each row, then stretch and shift it."""
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return np.asarray(normalize(x) * weight + bias)

    def norm1(self, x: Floats) -> Floats:
        """Apply the norm after attention."""
        return self.norm("sa_layer_norm", x)

    def norm2(self, x: Floats) -> Floats:
        """Apply the norm after the feed-forward part."""
        return self.norm("output_layer_norm", x)

    def attended(self, x: Floats) -> Floats:
        """Go the first half of the layer."""
        return self.norm1(x + self.attend(x))

    def run(self, x: Floats) -> Floats:
        """Go through the whole layer."""
        a = self.attended(x)
        return self.norm2(a + self.feed(a))


def mistaken(run: Callable[[Steps, Floats], Floats]) -> Callable[[Floats, Weights, int], Floats]:
    """Return a function with the arguments of `run_layer` that takes the steps otherwise."""
    return lambda x, weights, n_heads: run(Steps(weights, n_heads), x)


def before(steps: Steps, x: Floats) -> Floats:
    """Normalize before each part, as later models do."""
    a = x + steps.attend(steps.norm1(x))
    return a + steps.feed(steps.norm2(a))


def swapped_norms(steps: Steps, x: Floats) -> Floats:
    """Use each norm in the place of the other."""
    a = steps.norm2(x + steps.attend(x))
    return steps.norm1(a + steps.feed(a))


MISTAKES: Final[list[Mistake]] = [
    (
        "What came in is not added to what attention finds: the first sum is x + out_lin(…).",
        mistaken(lambda s, x: s.norm2((a := s.norm1(s.attend(x))) + s.feed(a))),
    ),
    (
        "What came in is not added to what the feed-forward part makes: the second sum is a + "
        "lin2(…).",
        mistaken(lambda s, x: s.norm2(s.feed(s.attended(x)))),
    ),
    (
        "Neither sum is there: each part adds its result to what it got.",
        mistaken(lambda s, x: s.norm2(s.feed(s.norm1(s.attend(x))))),
    ),
    (
        "The second sum adds the x that the layer got; it must add a, the result of the first "
        "half.",
        mistaken(lambda s, x: s.norm2(x + s.feed(s.attended(x)))),
    ),
    (
        "The feed-forward part reads the x that the layer got; it must read a, the result of the "
        "first half.",
        mistaken(lambda s, x: s.norm2(s.attended(x) + s.feed(x))),
    ),
    (
        "The norms come before each part, as in later models; here they come after each sum.",
        mistaken(before),
    ),
    ("The two norms are exchanged: sa_layer_norm comes first.", mistaken(swapped_norms)),
    (
        "The first norm, sa_layer_norm, is missing.",
        mistaken(lambda s, x: s.norm2((a := x + s.attend(x)) + s.feed(a))),
    ),
    (
        "The last norm, output_layer_norm, is missing.",
        mistaken(lambda s, x: (a := s.attended(x)) + s.feed(a)),
    ),
    (
        "out_lin is missing: the heads' results go through it before they are added.",
        mistaken(lambda s, x: s.norm2((a := s.norm1(x + s.heads(x))) + s.feed(a))),
    ),
    (
        "There is no gelu between lin1 and lin2.",
        lambda x, weights, n: Steps(weights, n, bend=lambda inner: inner).run(x),
    ),
    (
        "There is a ReLU between lin1 and lin2; this model was trained with GELU.",
        lambda x, weights, n: Steps(weights, n, bend=relu).run(x),
    ),
    (
        "The square weights are not transposed: a linear layer is x @ weight.T + bias.",
        lambda x, weights, n: Steps(
            weights,
            n,
            linear=lambda rows, w, b: right_linear(rows, w.T if w.shape == w.T.shape else w, b),
        ).run(x),
    ),
    (
        "The biases of the linear layers are not added.",
        lambda x, weights, n: Steps(weights, n, linear=lambda rows, w, _b: rows @ w.T).run(x),
    ),
    (
        "There is only one head: n_heads is not passed on.",
        lambda x, weights, _n: Steps(weights, 1).run(x),
    ),
]


def check_run_layer(run_layer: Function) -> None:
    """Run the first and the last layer of `mini`, and compare with npbert."""
    for number in (0, 3):
        prefix = NAME.format(number)
        weights = {
            name.removeprefix(prefix): array
            for name, array in material.textbook().weights.items()
            if name.startswith(prefix)
        }
        arguments = [material.state(number), weights, N_HEADS]
        judge(run_layer, arguments, material.state(number + 1), MISTAKES)
