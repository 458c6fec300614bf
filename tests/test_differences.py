"""docs/differences.md, row by row: what transformers does, and what npbert does."""

from __future__ import annotations

import itertools
import json
import operator
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pytest
import torch
import transformers
from safetensors.numpy import load_file, save_file

import npbert
from tests.support.oracles import make_folder
from tests.support.streams import Endless

pytestmark = pytest.mark.filterwarnings("ignore:.*bare encoder:UserWarning")
DOCUMENT = Path(__file__).parents[1] / "docs" / "differences.md"
Test = TypeVar("Test", bound=Callable[..., None])
TESTED: set[str] = set()


def row(case: str) -> Callable[[Test], Test]:
    """Mark the test of a row of the document, by its first cell."""

    def mark(test: Test) -> Test:
        TESTED.add(case)
        return test

    return mark


def test_every_row_has_a_test() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    cells = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert {cell for cell in cells if cell not in ("case", "---")} == TESTED


class Sides(NamedTuple):
    """The same thing of both libraries."""

    ours: Any
    theirs: Any


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("model"), num_labels=3)


@pytest.fixture(scope="module")
def tokenizers(folder: Path) -> Sides:
    return Sides(
        npbert.AutoTokenizer.from_pretrained(folder),
        transformers.AutoTokenizer.from_pretrained(folder),
    )


def their_pipeline(task: str, folder: Path, **options: Any) -> Any:
    return transformers.pipeline(task, str(folder), dtype=torch.float32, **options)


def pipelines(task: str, folder: Path, **options: Any) -> Sides:
    return Sides(npbert.pipeline(task, folder, **options), their_pipeline(task, folder, **options))


@pytest.fixture(scope="module")
def classifiers(folder: Path) -> Sides:
    return pipelines("text-classification", folder)


def models(folder: Path, head: str = "ForSequenceClassification", **options: Any) -> Sides:
    name = f"DistilBert{head}"
    theirs = getattr(transformers, name).from_pretrained(folder, dtype=torch.float32, **options)
    return Sides(getattr(npbert, name).from_pretrained(folder, **options), theirs)


def headed(folder: Path, head: str) -> Path:
    """A small model with another head."""
    return make_folder(folder, head=head)


def changed(
    folder: Path, target: Path, change: Callable[[dict[str, Any]], Any] = lambda _: None
) -> Path:
    """A copy of a model with other weights."""
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    return target


# ------------------------------------------------------------------------------------- texts


@row("an empty list of texts")
def test_no_texts(classifiers: Sides) -> None:
    with pytest.raises(IndexError):
        classifiers.theirs([])
    assert classifiers.ours([]) == []


@row("a tuple of texts")
def test_tuples(classifiers: Sides) -> None:
    texts = ("one", "two")
    assert isinstance(classifiers.theirs(texts), dict)
    assert classifiers.ours(texts) == classifiers.ours(list(texts))


@row("a column of texts (NumPy, pandas, pyarrow)")
def test_columns(classifiers: Sides) -> None:
    texts = np.array(["one", "two"])
    with pytest.raises((ValueError, TypeError, AttributeError)):
        classifiers.theirs(texts)
    assert classifiers.ours(texts) == classifiers.ours(texts.tolist())


@row("None, a number or bytes among the texts")
@pytest.mark.parametrize("item", [None, 3, b"two"])
def test_no_texts_among_texts(classifiers: Sides, item: Any) -> None:
    with pytest.raises(Exception, match=r".*") as caught:
        classifiers.theirs(["one", item])
    assert "text 1" not in str(caught.value)
    with pytest.raises(TypeError, match=re.escape(f"text 1 (counted from 0) is {item!r}")):
        classifiers.ours(["one", item])


@row("half a surrogate pair in a text")
def test_surrogates(classifiers: Sides) -> None:
    with pytest.raises(TypeError):
        classifiers.theirs(["one", "tw\ud800"])
    with pytest.raises(ValueError, match=r"text 1 .* lone surrogate .* at character 2"):
        classifiers.ours(["one", "tw\ud800"])


@row("a text of more than 512 tokens, no truncation asked for")
def test_long_texts(classifiers: Sides) -> None:
    with pytest.raises(RuntimeError):
        classifiers.theirs(["one", "word " * 600])
    with pytest.raises(ValueError, match=r"text 1 .* is 602 tokens long, .* long_text='truncate'"):
        classifiers.ours(["one", "word " * 600])


@row("a text too long for token-classification")
def test_long_texts_of_tokens(tmp_path: Path) -> None:
    sides = pipelines("token-classification", headed(tmp_path, "ForTokenClassification"))
    assert len(sides.theirs("word " * 600)) == 510
    with pytest.raises(ValueError, match=r"602 tokens long.*stride="):
        sides.ours("word " * 600)
    with pytest.warns(UserWarning, match="were cut there"):
        assert len(sides.ours("word " * 600, long_text="truncate")) == 510


@row("a text without a mask for fill-mask")
def test_no_mask(tmp_path: Path) -> None:
    sides = pipelines("fill-mask", headed(tmp_path, "ForMaskedLM"))
    with pytest.raises(transformers.pipelines.base.PipelineException):
        sides.theirs("no mask")
    with pytest.raises(ValueError, match=r"text 0 .* has no \[MASK\]"):
        sides.ours("no mask")


@row("a stream of texts")
def test_streams(classifiers: Sides) -> None:
    def pulled_for_ten(classifier: Any, **options: Any) -> int:
        texts = Endless()
        assert len(list(itertools.islice(classifier(iter(texts), **options), 10))) == 10
        return texts.pulled

    assert pulled_for_ten(classifiers.theirs) <= 11
    assert 11 < pulled_for_ten(classifiers.ours) <= 10 + 1024
    assert pulled_for_ten(classifiers.ours, batch_size=1) == 10


@row("a text's dict with other keys than `text` and `text_pair`")
def test_other_keys(classifiers: Sides) -> None:
    item = {"text": "one", "label": 1}
    assert classifiers.theirs(item)["label"] == classifiers.theirs({"text": "one"})["label"]
    with pytest.raises(ValueError, match=r"keys \['text', 'label'\], expected"):
        classifiers.ours(item)


@row("one pipeline, several threads")
def test_threads(classifiers: Sides) -> None:
    """Theirs fails by chance only, so their side is not asserted."""
    texts = ["one " * n for n in range(1, 40)]
    expected = classifiers.ours(texts, truncation=True)
    with ThreadPoolExecutor(4) as pool:
        options: list[dict[str, Any]] = [{"truncation": True}, {}, {"max_length": 64}]
        calls = [pool.submit(classifiers.ours, texts, **options[n % 3]) for n in range(30)]
        assert all(call.result() == expected for call in calls)


# --------------------------------------------------------------------------------- arguments


@row("an unknown keyword of a pipeline, a tokenizer or a model's call")
def test_unknown_keywords(classifiers: Sides, tokenizers: Sides, folder: Path) -> None:
    ours, theirs = models(folder)
    assert theirs(torch.tensor([[101, 102]]), output_atentions=True).attentions is None
    with pytest.raises(TypeError, match="'output_atentions'; did you mean 'output_attentions'"):
        ours([[101, 102]], output_atentions=True)
    assert classifiers.theirs("one", truncate=True)
    with pytest.raises(TypeError, match="'truncate'; did you mean 'truncation'"):
        classifiers.ours("one", truncate=True)
    assert tokenizers.theirs("one", pading=True)
    with pytest.raises(TypeError, match="'pading'; did you mean 'padding'"):
        tokenizers.ours("one", pading=True)


@row('another device or float type (`device=0`, `dtype="float16"`)')
def test_devices(folder: Path) -> None:
    load = transformers.DistilBertForSequenceClassification.from_pretrained
    assert load(folder, dtype="float16").dtype == torch.float16
    for options in ({"dtype": "float16"}, {"device": 0}):
        with pytest.raises(ValueError, match="float32 on the CPU only"):
            npbert.pipeline("text-classification", folder, **options)


@row('`return_tensors="pt"`')
def test_tensors(tokenizers: Sides) -> None:
    assert isinstance(tokenizers.theirs("one", return_tensors="pt").input_ids, torch.Tensor)
    with pytest.raises(ValueError, match="return_tensors is 'pt', expected 'np'"):
        tokenizers.ours("one", return_tensors="pt")


@row('rows of different lengths with `return_tensors="np"`')
def test_ragged_rows(tokenizers: Sides) -> None:
    ragged = tokenizers.theirs(["one", "one two"], return_tensors="np")["input_ids"]
    assert ragged.dtype == object
    with pytest.raises(ValueError, match=r"texts of 3 to 4 tokens .* padding=True"):
        tokenizers.ours(["one", "one two"], return_tensors="np")


@row("`max_length` that leaves no room for text")
def test_no_room_for_text(tokenizers: Sides) -> None:
    call: dict[str, Any] = {"truncation": True, "max_length": 2}
    assert tokenizers.theirs("one", **call)["input_ids"] == [101, 102]
    with pytest.raises(ValueError, match="max_length is 2, which leaves no room for text"):
        tokenizers.ours("one", **call)


@row("`stride` that leaves no room for new text")
def test_no_room_for_new_text(tokenizers: Sides) -> None:
    call: dict[str, Any] = {"truncation": True, "max_length": 5, "stride": 3}
    with pytest.raises(BaseException, match="stride") as caught:
        tokenizers.theirs("one two three four five", **call, return_overflowing_tokens=True)
    assert type(caught.value).__name__ == "PanicException"
    with pytest.raises(ValueError, match="stride is 3, expected less than the 3 tokens"):
        tokenizers.ours("one two three four five", **call, return_overflowing_tokens=True)


@row("`top_k` of 0")
def test_top_0(classifiers: Sides) -> None:
    assert classifiers.theirs("one", top_k=0) == []
    with pytest.raises(ValueError, match="top_k is 0"):
        classifiers.ours("one", top_k=0)


@row("other keywords of the tokenizer at a pipeline (`add_special_tokens=`)")
def test_tokenizer_keywords(classifiers: Sides) -> None:
    with_and_without = [classifiers.theirs("one", add_special_tokens=add) for add in (True, False)]
    assert with_and_without[0] != with_and_without[1]
    with pytest.raises(TypeError, match="unknown keyword argument 'add_special_tokens'"):
        classifiers.ours("one", add_special_tokens=False)


@row("`max_length=` for zero-shot-classification")
@pytest.mark.filterwarnings("ignore:.*were cut there:UserWarning", "ignore:.*entailment")
def test_max_length_of_zero_shot(folder: Path) -> None:
    ours, theirs = pipelines("zero-shot-classification", folder)
    long = "one two three four five six seven eight nine ten"
    labels = ["film", "food"]
    assert theirs(long, labels, max_length=12) == theirs(long, labels)
    assert ours(long, labels, max_length=12)["scores"] != ours(long, labels)["scores"]


@row("`revision=` with a folder")
def test_revisions_of_folders(folder: Path) -> None:
    assert transformers.AutoConfig.from_pretrained(folder, revision="main")
    with pytest.raises(ValueError, match="is a folder on this machine, which has no revisions"):
        npbert.AutoConfig.from_pretrained(folder, revision="main")


@row("`labels=` in a model's call")
def test_loss(folder: Path) -> None:
    sides = models(folder)
    ids = [[101, 102]]
    assert sides.theirs(torch.tensor(ids), labels=torch.tensor([1])).loss is not None
    with pytest.raises(TypeError, match="unknown keyword argument 'labels'"):
        sides.ours(ids, labels=[1])


# ------------------------------------------------------------------------------------ models


@row("weights stored in float16")
def test_float16(folder: Path, tmp_path: Path) -> None:
    def halve(weights: dict[str, Any]) -> None:
        weights |= {name: weight.astype(np.float16) for name, weight in weights.items()}

    halved = changed(folder, tmp_path / "half", halve)
    # transformers goes by what config.json says of the type.
    config = json.loads((halved / "config.json").read_text()) | {"dtype": "float16"}
    (halved / "config.json").write_text(json.dumps(config))
    load = transformers.DistilBertForSequenceClassification.from_pretrained
    assert load(halved).dtype == torch.float16
    ours, theirs = models(halved)
    expected = theirs(torch.tensor([[101, 7592, 102]])).logits.detach().numpy()
    np.testing.assert_allclose(ours([[101, 7592, 102]]).logits, expected, atol=1e-5)


@row("a checkpoint without the weights of the head")
def test_no_head(folder: Path, tmp_path: Path) -> None:
    def behead(weights: dict[str, Any]) -> None:
        del weights["classifier.weight"]

    beheaded = changed(folder, tmp_path / "beheaded", behead)
    assert transformers.DistilBertForSequenceClassification.from_pretrained(beheaded)
    with pytest.raises(npbert.CheckpointError, match=r"classifier\.weight"):
        npbert.DistilBertForSequenceClassification.from_pretrained(beheaded)


@row("a tensor of the wrong shape")
def test_wrong_shapes(folder: Path, tmp_path: Path) -> None:
    def cut(weights: dict[str, Any]) -> None:
        weights["classifier.weight"] = weights["classifier.weight"][:2]
        weights["pre_classifier.bias"] = weights["pre_classifier.bias"][:2]

    wrong = changed(folder, tmp_path / "wrong", cut)
    with pytest.raises(RuntimeError):
        transformers.DistilBertForSequenceClassification.from_pretrained(wrong)
    with pytest.raises(npbert.CheckpointError) as caught:
        npbert.DistilBertForSequenceClassification.from_pretrained(wrong)
    for name in ("classifier.weight", "pre_classifier.bias"):
        assert name in str(caught.value)


@row("NaN among the weights")
def test_nan(folder: Path, tmp_path: Path) -> None:
    def spoil(weights: dict[str, Any]) -> None:
        weights["pre_classifier.weight"][0, 0] = np.nan

    spoilt = changed(folder, tmp_path / "spoilt", spoil)
    (result,) = their_pipeline("text-classification", spoilt)("one")
    assert np.isnan(result["score"])
    with pytest.raises(npbert.CheckpointError, match=r"pre_classifier\.weight"):
        npbert.pipeline("text-classification", spoilt)


@row("weights in a pickle (`pytorch_model.bin`) alone")
def test_pickles(folder: Path, tmp_path: Path) -> None:
    pickled = changed(folder, tmp_path / "pickled")
    weights = load_file(pickled / "model.safetensors")
    torch.save(
        {name: torch.tensor(weight) for name, weight in weights.items()},
        pickled / "pytorch_model.bin",
    )
    (pickled / "model.safetensors").unlink()
    assert transformers.DistilBertForSequenceClassification.from_pretrained(pickled)
    with pytest.raises(npbert.CheckpointError, match=r"pytorch_model\.bin.*safetensors"):
        npbert.DistilBertForSequenceClassification.from_pretrained(pickled)


@row("a token id outside the vocabulary")
def test_ids_outside_the_vocabulary(folder: Path) -> None:
    sides = models(folder)
    with pytest.raises(IndexError):
        sides.theirs(torch.tensor([[101, 99999]]))
    with pytest.raises(ValueError, match="row 0 has the token id 99999 at position 1"):
        sides.ours([[101, 99999]])


@row("token ids that are no integers")
def test_ids_that_are_no_integers(folder: Path) -> None:
    sides = models(folder)
    with pytest.raises(RuntimeError):
        sides.theirs(torch.tensor([[1.5, 2.5]]))
    with pytest.raises(TypeError, match="input_ids has dtype float64, expected integers"):
        sides.ours([[1.5, 2.5]])


PADDED: dict[str, Any] = {"input_ids": [[101, 7592, 0]], "attention_mask": [[1, 1, 0]]}


def their_output(model: Any, inputs: dict[str, Any], **options: Any) -> Any:
    with torch.inference_mode():
        return model(**{name: torch.tensor(value) for name, value in inputs.items()}, **options)


def call(sides: Sides, inputs: dict[str, Any], **options: Any) -> Sides:
    return Sides(sides.ours(**inputs, **options), their_output(sides.theirs, inputs, **options))


@row("padded positions of hidden states, and of logits of tokens")
def test_padded_positions(folder: Path, tmp_path: Path) -> None:
    ours, theirs = call(models(folder, "Model"), PADDED, output_hidden_states=True)
    assert (ours.last_hidden_state[0, 2] == 0).all()
    assert (theirs.last_hidden_state[0, 2] != 0).any()
    assert all((states[0, 2] == 0).all() for states in ours.hidden_states)
    head = "ForTokenClassification"
    ours, theirs = call(models(headed(tmp_path, head), head), PADDED)
    assert (ours.logits[0, 2] == 0).all()
    assert (theirs.logits[0, 2] != 0).any()


@row("padded positions of start and end logits")
def test_padded_answers(tmp_path: Path) -> None:
    head = "ForQuestionAnswering"
    ours, theirs = call(models(headed(tmp_path, head), head), PADDED)
    assert ours.start_logits[0, 2] == ours.end_logits[0, 2] == np.finfo(np.float32).min
    assert abs(theirs.start_logits[0, 2]) < 1e3


@row("padded positions of attentions")
def test_padded_attentions(folder: Path) -> None:
    sides = models(folder, "Model", attn_implementation="eager")
    ours, theirs = call(sides, PADDED, output_attentions=True)
    assert (ours.attentions[0][0, :, 2] == 0).all()
    assert (theirs.attentions[0][0, :, 2] != 0).any()


@row("a mask that hides the first token of a text")
def test_a_hidden_first_token(folder: Path) -> None:
    hidden = PADDED | {"attention_mask": [[0, 1, 1]]}
    sides = models(folder)
    assert torch.isfinite(their_output(sides.theirs, hidden).logits).all()
    with pytest.raises(ValueError, match="attention_mask hides position 0 of row 0"):
        sides.ours(**hidden)


@row("a mask that hides all of a text")
def test_a_hidden_text(folder: Path) -> None:
    hidden = PADDED | {"attention_mask": [[0, 0, 0]]}
    sides = models(folder, "Model")
    assert their_output(sides.theirs, hidden).last_hidden_state.shape == (1, 3, 24)
    with pytest.raises(ValueError, match="hides every token of row 0"):
        sides.ours(**hidden)


@row("a size set in the config of a loaded model")
def test_sizes_set_later(folder: Path) -> None:
    ours, theirs = models(folder)
    theirs.config.hidden_dim = 7
    assert theirs(torch.tensor([[101, 102]])).logits.shape == (1, 3)
    with pytest.raises(AttributeError, match="hidden_dim belongs to the weights"):
        ours.config.hidden_dim = 7


@row("`label2id` of config.json that contradicts its `id2label`")
def test_label2id(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "labels")
    labels = {"id2label": {"0": "a", "1": "b", "2": "c"}, "label2id": {"x": 0, "y": 1, "z": 2}}
    config = json.loads((other / "config.json").read_text()) | labels
    (other / "config.json").write_text(json.dumps(config))
    assert transformers.AutoConfig.from_pretrained(other).label2id == {"x": 0, "y": 1, "z": 2}
    assert npbert.AutoConfig.from_pretrained(other).label2id == {"a": 0, "b": 1, "c": 2}


@row("the result of a model")
def test_results_of_models(folder: Path) -> None:
    ours, theirs = call(models(folder), {"input_ids": [[101, 102]]})
    assert isinstance(theirs, dict)
    theirs["logits"] = None
    assert isinstance(ours, Mapping)
    assert not isinstance(ours, dict)
    with pytest.raises(TypeError):
        operator.setitem(ours, "logits", None)  # type: ignore[call-overload]
    with pytest.raises(AttributeError):
        setattr(ours, "logits", None)  # noqa: B010


@row("`output_attentions=True`")
def test_attentions(folder: Path) -> None:
    ours, theirs = models(folder, "Model")
    assert not theirs(torch.tensor([[101, 102]]), output_attentions=True).attentions
    assert ours([[101, 102]], output_attentions=True).attentions[0].shape == (1, 2, 2, 2)


# --------------------------------------------------------------------------------- tokenizer


@row("`token_type_ids`")
def test_token_types(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "bert")
    settings = {"tokenizer_class": "BertTokenizer", "model_max_length": 512}
    (other / "tokenizer_config.json").write_text(json.dumps(settings))
    theirs = transformers.AutoTokenizer.from_pretrained(other)
    ours = npbert.AutoTokenizer.from_pretrained(other)
    assert "token_type_ids" in theirs("one")
    assert "token_type_ids" not in ours("one")
    expected = theirs("one", "two")["token_type_ids"]
    assert ours("one", "two", return_token_type_ids=True)["token_type_ids"] == expected


@row("saving over other files")
def test_saving_over_other_files(tokenizers: Sides, tmp_path: Path) -> None:
    target = tmp_path / "tokenizer.json"
    target.write_text("mine")
    with pytest.raises(FileExistsError):
        tokenizers.ours.save_pretrained(tmp_path)
    assert target.read_text() == "mine"
    tokenizers.theirs.save_pretrained(tmp_path)
    assert target.read_text() != "mine"


# --------------------------------------------------------------------------------- pipelines


@row("scores of token-classification")
def test_types_of_scores(tmp_path: Path) -> None:
    ours, theirs = pipelines("ner", headed(tmp_path, "ForTokenClassification"))
    assert type(theirs("one")[0]["score"]) is np.float32
    assert type(ours("one")[0]["score"]) is float


@row("feature-extraction with `batch_size`")
def test_features_of_batches(folder: Path) -> None:
    ours, theirs = pipelines("feature-extraction", folder)
    texts = ["one", "one two three four"]
    assert [len(text[0]) for text in theirs(texts, batch_size=2)] == [6, 6]
    assert [len(text[0]) for text in ours(texts, batch_size=2)] == [3, 6]


@row("feature-extraction with `return_tensors=True`")
def test_features_as_arrays(folder: Path) -> None:
    ours, theirs = pipelines("feature-extraction", folder)
    assert isinstance(theirs("one", return_tensors=True), torch.Tensor)
    array = ours("one", return_tensors=True)
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.float32
    with pytest.raises(ValueError, match="return_tensors is 'pt'"):
        ours("one", return_tensors="pt")


@row("labels for zero-shot-classification that are no str")
@pytest.mark.filterwarnings("ignore:.*entailment")
def test_labels_that_are_no_str(folder: Path) -> None:
    ours, theirs = pipelines("zero-shot-classification", folder)
    assert sorted(theirs("one", [1, 2])["labels"]) == [1, 2]
    with pytest.raises(TypeError, match=r"label 0 is 1 \(int\), expected a str"):
        ours("one", [1, 2])


@row("question-answering")
def test_question_answering(tmp_path: Path) -> None:
    model = headed(tmp_path, "ForQuestionAnswering")
    with pytest.raises(KeyError, match="question-answering"):
        transformers.pipeline("question-answering", str(model))
    answer = npbert.pipeline("question-answering", model)("Who?", "The cat did it.")
    assert answer["answer"] in "The cat did it."


@row("a task without a model")
def test_no_model() -> None:
    """Their side would download one."""
    assert "fill-mask" in transformers.pipelines.SUPPORTED_TASKS
    assert transformers.pipelines.SUPPORTED_TASKS["fill-mask"]["default"]["model"]
    with pytest.raises(ValueError, match="fill-mask has no default model"):
        npbert.pipeline("fill-mask")


@row("what should be known (no model named, texts cut)")
def test_warnings(classifiers: Sides, recwarn: pytest.WarningsRecorder) -> None:
    classifiers.theirs("word " * 600, truncation=True)
    assert not [warning for warning in recwarn if "cut" in str(warning.message)]
    with pytest.warns(UserWarning, match="1 of 1 texts were longer than 512 tokens"):
        classifiers.ours("word " * 600, truncation=True)
