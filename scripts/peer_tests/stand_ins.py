"""npbert in the clothes of transformers: what the tests of transformers see in place of it.

A stand-in takes and gives what the class of transformers does, and lets npbert do the work. It
counts each time that it does, because a test says something about npbert only if it reaches it.
"""

from __future__ import annotations

import tempfile
from typing import Any

import torch
import transformers
from transformers import modeling_outputs

import npbert

TOLERANCE = 1e-5  # largest difference allowed, as a share of max(1, largest value)

calls = 0  # how often npbert has been asked for something

HEADS = (
    "DistilBertModel",
    "DistilBertForMaskedLM",
    "DistilBertForMultipleChoice",
    "DistilBertForQuestionAnswering",
    "DistilBertForSequenceClassification",
    "DistilBertForTokenClassification",
)
PIPELINES = (
    "FeatureExtractionPipeline",
    "FillMaskPipeline",
    "TextClassificationPipeline",
    "TokenClassificationPipeline",
    "ZeroShotClassificationPipeline",
)


def to_numpy(value: object) -> Any:
    """Return a tensor as an array, and anything else as it is."""
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value


def to_torch(value: Any) -> Any:
    """Return an array as a tensor, a tuple as one of tensors, and None as it is."""
    if isinstance(value, tuple):
        return tuple(map(to_torch, value))
    return None if value is None else torch.from_numpy(value.copy())


def _count() -> None:
    global calls
    calls += 1


class DistilBertTokenizer(npbert.DistilBertTokenizer):
    """npbert's tokenizer, which also gives torch tensors."""

    @classmethod
    def from_pretrained(cls, *args: Any, **options: Any) -> Any:
        """Load a tokenizer with npbert."""
        _count()
        return super().from_pretrained(*args, **options)

    def __call__(self, *args: Any, return_tensors: str | None = None, **options: Any) -> Any:
        """Tokenize with npbert, and turn the arrays into tensors if ``"pt"`` is asked for."""
        arrays = "np" if return_tensors == "pt" else return_tensors
        encoding = super().__call__(*args, return_tensors=arrays, **options)  # type: ignore[arg-type]
        if return_tensors == "pt":
            for name, column in encoding.items():
                encoding[name] = to_torch(column)
        return encoding


def load_weights_of(model: Any) -> Any:
    """Return npbert's model with the weights that a model of transformers has now."""
    _count()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return getattr(npbert, type(model).__name__).from_pretrained(folder)


def make_model_class(name: str) -> Any:
    """Make a model of transformers whose forward pass is npbert's.

    The forward pass of transformers computes the same once more, and both must agree.
    """
    base = getattr(transformers, name)

    def forward(
        self: Any,
        input_ids: Any = None,
        attention_mask: Any = None,
        inputs_embeds: Any = None,
        **options: Any,
    ) -> Any:
        return_dict = options.pop("return_dict", None)
        output = load_weights_of(self)(
            to_numpy(input_ids),
            to_numpy(attention_mask),
            to_numpy(inputs_embeds),
            return_dict=True,
            **{key: to_numpy(value) for key, value in options.items()},
        )
        fields = {key: to_torch(value) for key, value in output.items()}
        if self.dtype == torch.float32 and not self.training:
            with torch.no_grad():
                theirs = base.forward(
                    self, input_ids, attention_mask, inputs_embeds, return_dict=True, **options
                )
            require_agreement(fields, theirs, attention_mask)
        result = getattr(modeling_outputs, type(output).__name__)(**fields)
        as_dict = self.config.return_dict if return_dict is None else return_dict
        return result if as_dict else result.to_tuple()

    return type(name, (base,), {"forward": forward})


def require_agreement(ours: dict[str, Any], theirs: Any, attention_mask: Any) -> None:
    """Raise AssertionError if the numbers of real tokens differ; those of padding may."""
    missing = set(theirs) - set(ours)
    assert not missing, f"npbert does not give {missing}"
    for key, value in ours.items():
        if key == "attentions" and not theirs[key]:
            continue  # transformers gives them with one way of computing attention only
        one, other = (v if isinstance(v, tuple) else (v,) for v in (value, theirs[key]))
        assert len(one) == len(other), f"{key}: got {len(one)} values, expected {len(other)}"
        for number, (got, expected) in enumerate(zip(one, other, strict=True)):
            _require_same(f"{key}, value {number}", got, expected, attention_mask)


def _require_same(where: str, got: Any, expected: Any, attention_mask: Any) -> None:
    if got is None or expected is None:
        assert got is expected, f"{where}: one of npbert and transformers gives None"
        return
    seen = _seen(got, attention_mask)
    difference = (got[seen] - expected[seen]).abs().max().item()
    allowed = TOLERANCE * max(1.0, expected[seen].abs().max().item())
    assert difference <= allowed, f"{where}: differs by {difference}, allowed are {allowed}"


def _seen(values: torch.Tensor, attention_mask: torch.Tensor | None) -> Any:
    """Return the index of the values that belong to real tokens."""
    if attention_mask is None:
        return ...
    mask = attention_mask.reshape(-1, attention_mask.shape[-1]).bool()  # choices are rows, too
    if values.ndim == 4:  # attentions: (batch, heads, seq, seq)
        return (mask[:, None, :, None] & mask[:, None, None, :]).expand_as(values)
    return mask if values.shape[:2] == mask.shape else ...


class WrongInputError(TypeError, ValueError):
    """An error about an input of a pipeline.

    For npbert, a text that is not a str is a TypeError. For transformers, it is now this one and
    now that one. With a class that is both, a test goes on to what comes after it.
    """


def make_pipeline_class(name: str) -> Any:
    """Make npbert's pipeline that takes a model of transformers."""
    base = getattr(npbert, name)

    def make(self: Any, *, model: Any, **options: Any) -> None:
        options = {key: value for key, value in options.items() if value is not None}
        if isinstance(model, torch.nn.Module):  # and not the model of another of these pipelines
            model = load_weights_of(model)
        base.__init__(self, model=model, **options)

    def call(self: Any, *inputs: Any, **options: Any) -> Any:
        try:
            return base.__call__(self, *inputs, **options)
        except TypeError as error:
            raise WrongInputError(str(error)) from error

    return type(name, (base,), {"__init__": make, "__call__": call})
