"""What the keys of a config.json may hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npbert.checkpoints.config_keys import PROBLEM_TYPES
from tests.support.configs import KEYS, SIZES, read

NO_SIZES: list[Any] = [0, -1, 1.5, 8.0, True, False, "8", None, [8], {}, float("nan")]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"model_type": "bert"}, r"model_type is 'bert', expected 'distilbert'.*choose a DistilBERT"),
    ({"model_type": "DistilBERT"}, "model_type is 'DistilBERT'"),
    ({"model_type": None}, "model_type is None"),
    ({"activation": "elu"}, "activation is 'elu', expected one of: gelu, gelu_10, gelu_accurate"),
    ({"activation": "prelu"}, "activation is 'prelu', which has learned weights of its own, exp"),
    ({"activation": "xielu"}, "activation is 'xielu', which has learned weights of its own, exp"),
    ({"activation": "GELU"}, "activation is 'GELU'"),
    ({"activation": None}, "activation is None"),
    ({"activation": ["gelu"]}, r"activation is \['gelu'\]"),
    ({"activation": {"name": "gelu"}}, r"activation is \{'name': 'gelu'\}"),
    ({"dim": 30, "n_heads": 4}, "dim is 30, .*n_heads = 4"),
    ({"n_heads": 5}, "dim is 768, .*n_heads = 5"),
    ({"dim": 8, "n_heads": 16}, "dim is 8, .*n_heads = 16"),
    ({"pad_token_id": -30523}, "pad_token_id is -30523, expected an id from 0 to .*30521"),
    ({"pad_token_id": 10, "vocab_size": 10}, "pad_token_id is 10"),
    ({"pad_token_id": "0"}, "pad_token_id is '0'"),
    ({"pad_token_id": True}, "pad_token_id is True"),
    ({"problem_type": ["regression"]}, r"problem_type is \['regression'\], .*" + PROBLEM_TYPES[0]),
    ({"output_hidden_states": "x"}, "output_hidden_states is 'x', expected true, false, the num"),
    ({"output_hidden_states": [0, "x"]}, r"output_hidden_states is \[0, 'x'\]"),
    ({"output_attentions": "no"}, "output_attentions is 'no', expected true or false"),
    ({"return_dict": "no"}, "return_dict is 'no', expected true or false"),
    ({"architectures": [1]}, r"architectures is \[1\], expected a list of names"),
    ({"tie_word_embeddings": "no"}, "tie_word_embeddings is 'no', expected true or false"),
    ({"tie_word_embeddings": 1}, "tie_word_embeddings is 1"),
    ({"tie_word_embeddings": None}, "tie_word_embeddings is None"),
    ({"n_layers": 1001}, "n_layers is 1001, expected an integer from 1 to 1000"),
    ({"quantization_config": {"bits": 8}}, r"quantization_config is \{'bits': 8\}, .*choose"),
    (
        {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
        "is {.quant_m",
    ),
    ({"pruned_heads": {"0": [1, 2]}}, r"pruned_heads is \{'0': \[1, 2\]\}.*with all heads; choose"),
    ({"is_causal": True}, "is_causal is True, .*tokens on both sides; choose"),
    ({"per_layer_config": {"0": {"n_heads": 6}}}, "per_layer_config is .*the same sizes; choose"),
]


@pytest.mark.parametrize("key", SIZES)
@pytest.mark.parametrize("value", NO_SIZES, ids=repr)
def test_refused_sizes(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{key} is ") as refused:
        read({key: value})
    assert f"is {value!r}, expected an integer from 1 to" in str(refused.value)


@pytest.mark.parametrize(("values", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_refusals_name_the_key_and_the_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(values)


NULL_IS_FALSE = ("output_attentions", "output_hidden_states", "return_dict")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 1000) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("012ab") | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(values=st.dictionaries(st.sampled_from([*KEYS, "num_labels", "pruned_heads"]), JSON))
def test_any_value_is_honoured_or_refused(values: dict[str, Any]) -> None:
    try:
        config = read(values)
    except ValueError as error:
        assert any(key in str(error) for key in values)  # noqa: PT017 (or it is honoured)
    else:
        for key in values.keys() & set(KEYS) - {"id2label"}:
            in_file = values[key]
            if key in NULL_IS_FALSE and in_file is None:
                in_file = False
            elif key == "architectures" and isinstance(in_file, str):
                in_file = [in_file]
            elif key == "problem_type" and in_file not in PROBLEM_TYPES:
                in_file = None
            assert getattr(config, key) == in_file
