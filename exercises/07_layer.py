"""Exercise 7: one whole layer. Chapter 5, about 12 lines."""

from importlib import import_module

import numpy as np

layer_norm = import_module("02_layer_norm").layer_norm  # yours, and so are the next two
multi_head = import_module("05_split_heads").multi_head
gelu = import_module("06_gelu").gelu


def run_layer(x: np.ndarray, weights: dict[str, np.ndarray], n_heads: int) -> np.ndarray:
    """Run one layer: add what attention finds, and then what the feed-forward part makes of it.

    Parameters
    ----------
    x : array (seq, dim)
        One vector per token.
    weights : dict
        The weights of the layer by their names in the checkpoint. The linear layers
        `attention.q_lin`, `attention.k_lin`, `attention.v_lin`, `attention.out_lin`, `ffn.lin1` and
        `ffn.lin2` have a weight (out, in) and a bias (out,): weights["ffn.lin1.weight"] and
        weights["ffn.lin1.bias"]. A linear layer is x @ weight.T + bias. The norms `sa_layer_norm`
        and `output_layer_norm` have a weight (dim,) and a bias (dim,).
    n_heads : int

    Returns
    -------
    array (seq, dim)
        norm(a + lin2(gelu(lin1(a)))), the norm being `output_layer_norm`, where
        a = norm(x + out_lin(multi_head(q_lin(x), k_lin(x), v_lin(x)))), the norm being
        `sa_layer_norm` ("sa" is for self-attention).
    """
    raise NotImplementedError("`run_layer` takes about 12 lines.")
