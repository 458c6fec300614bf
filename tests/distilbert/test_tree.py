"""The trees as which the parts of a model show themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from npbert.distilbert.activations import gelu, relu
from npbert.distilbert.model import (
    Attention,
    Embeddings,
    Encoder,
    FeedForward,
    Layer,
    LayerNorm,
    Linear,
)
from npbert.distilbert.tree import count_parameters


def zeros(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.zeros(shape, np.float32)


NORM = LayerNorm(zeros(4), zeros(4))
SQUARE = Linear(zeros(4, 4), zeros(4))
LAYER = Layer(
    Attention(2, SQUARE, SQUARE, SQUARE, SQUARE),
    NORM,
    FeedForward(gelu, Linear(zeros(6, 4), zeros(6)), Linear(zeros(4, 6), zeros(4))),
    NORM,
)
EMBEDDINGS = Embeddings(zeros(250, 4), zeros(5, 4), NORM)

TREE = """\
Encoder(                                                          1,481 parameters
  (embeddings): Embeddings(                                       1,028
    (word_embeddings): (250, 4)                                   1,000
    (position_embeddings): (5, 4)                                    20
    (layer_norm): LayerNorm(weight=(4,), bias=(4,))                   8
  )
  (layers): tuple(                                                  453
    (0-1): 2 x Layer(                                           2 x 154
      (attention): Attention(                                        80
        (n_heads): 2
        (q_lin): Linear(weight=(4, 4), bias=(4,))                    20
        (k_lin): Linear(weight=(4, 4), bias=(4,))                    20
        (v_lin): Linear(weight=(4, 4), bias=(4,))                    20
        (out_lin): Linear(weight=(4, 4), bias=(4,))                  20
      )
      (sa_layer_norm): LayerNorm(weight=(4,), bias=(4,))              8
      (ffn): FeedForward(                                            58
        (activation): gelu
        (lin1): Linear(weight=(6, 4), bias=(6,))                     30
        (lin2): Linear(weight=(4, 6), bias=(4,))                     28
      )
      (output_layer_norm): LayerNorm(weight=(4,), bias=(4,))          8
    )
    (2): Layer(                                                     145
      (attention): Attention(                                        80
        (n_heads): 2
        (q_lin): Linear(weight=(4, 4), bias=(4,))                    20
        (k_lin): Linear(weight=(4, 4), bias=(4,))                    20
        (v_lin): Linear(weight=(4, 4), bias=(4,))                    20
        (out_lin): Linear(weight=(4, 4), bias=(4,))                  20
      )
      (sa_layer_norm): LayerNorm(weight=(4,), bias=(4,))              8
      (ffn): FeedForward(                                            49
        (activation): relu
        (lin1): Linear(weight=(5, 4), bias=(5,))                     25
        (lin2): Linear(weight=(4, 5), bias=(4,))                     24
      )
      (output_layer_norm): LayerNorm(weight=(4,), bias=(4,))          8
    )
  )
)"""


def test_a_part_of_arrays_alone_is_one_line() -> None:
    assert repr(Linear(zeros(3, 2), zeros(3))) == "Linear(weight=(3, 2), bias=(3,))    9 parameters"


def test_an_encoder_shows_layers_that_are_alike_once() -> None:
    narrow = FeedForward(relu, Linear(zeros(5, 4), zeros(5)), Linear(zeros(4, 5), zeros(4)))
    encoder = Encoder(EMBEDDINGS, (LAYER, LAYER, replace(LAYER, ffn=narrow)))
    assert repr(encoder) == TREE
    assert count_parameters(encoder) == 1481


def test_an_encoder_of_no_layers() -> None:
    assert "(layers): tuple(" in repr(Encoder(EMBEDDINGS, ()))
