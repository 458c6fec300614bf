"""`explain`: each effect is what classify says of the text without that word."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import npbert
from npbert.explanations.experiments import Answers
from npbert.explanations.one_text import MOST_UNITS
from npbert.explanations.words import find_words, leave_out, mask
from tests.support.oracles import make_folder
from tests.support.paths import CHECKOUT, DATA
from tests.support.reference import Reference

Classifier = npbert.TextClassificationPipeline
EXAMPLE = "The plot is thin, but the cast is not bad at all."
SLOW_START = "A slow start, but the acting is wonderful."
TOLERANCE = 1e-5


def sentences(n_texts: int) -> list[str]:
    with (DATA / "sst2_dev.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row[0] for row in itertools.islice(rows, 1, n_texts + 1)]


def lead_by_classify(classifier: Classifier, text: str, label: str) -> float:
    """The lead of a label from the public pipeline: its logit minus the mean of the others."""
    ranked = classifier(text, top_k=None, function_to_apply="none")
    logits = {result["label"]: result["score"] for result in ranked}
    own = logits.pop(label)
    return own - sum(logits.values()) / len(logits)


def close(value: float) -> Any:
    return pytest.approx(value, abs=TOLERANCE * max(1, abs(value)))


# ---------------------------------------------------------------------- the numbers, by hand


def test_the_lead_of_a_label() -> None:
    logits = np.array([[1.0, 2.0, 6.0], [0.0, 0.0, 0.0]], np.float32)
    answers = Answers(logits, ["a", "b", "c"], "softmax")
    assert answers.best == "c"
    assert answers.leads("c") == [4.5, 0.0]  # 6 - (1 + 2) / 2
    assert answers.leads("a") == [-3.0, 0.0]  # 1 - (2 + 6) / 2
    assert answers._replace(function="sigmoid").leads("c") == [6.0, 0.0]
    assert answers._replace(function="none").leads("b") == [2.0, 0.0]
    assert Answers(logits[:, :1], ["stars"], "softmax").leads("stars") == [1.0, 0.0]


def test_effects_are_those_of_the_reference_in_float64() -> None:
    reference = Reference(CHECKOUT / "npbert" / "checkpoints" / "mini")
    tokenizer = npbert.AutoTokenizer.from_pretrained("mini")
    found = npbert.explain(EXAMPLE, "mini")
    spans = find_words(EXAMPLE)
    texts = [EXAMPLE, *(leave_out(EXAMPLE, spans, [number]) for number in range(len(spans)))]
    rows = tokenizer(texts, padding=True, return_tensors="np")
    logits = reference.logits(rows["input_ids"], rows["attention_mask"])
    lead, *leads = (logits[:, 1] - logits[:, 0]).tolist()
    assert found.lead == close(lead)
    assert [word.effect for word in found.words] == [close(lead - one) for one in leads]


# ----------------------------------------------------------------- the numbers, by experiment


def test_effects_are_those_of_classify_on_200_texts(ours: Classifier) -> None:
    texts = sentences(200)
    for text, found in zip(texts, npbert.explain(texts, ours), strict=True):
        spans = find_words(text)
        assert [(word.start, word.end) for word in found.words] == spans
        shortened = [leave_out(text, spans, [number]) for number in range(len(spans))]
        ranked = ours([text, *shortened], top_k=None, function_to_apply="none")
        logits = [{one["label"]: one["score"] for one in results} for results in ranked]
        rest = [sum(one.values()) - one[found.label] for one in logits]
        leads = [one[found.label] - other / 2 for one, other in zip(logits, rest, strict=True)]
        assert found.label == ours(text)[0]["label"]
        assert found.lead == close(leads[0])
        for word, lead in zip(found.words, leads[1:], strict=True):
            assert word.effect == pytest.approx(leads[0] - lead, abs=2 * TOLERANCE)
            assert word.text == text[word.start : word.end]


@pytest.mark.parametrize("text", [EXAMPLE, "bad", "!", "I wouldn't say it's a bad film."])
def test_a_word_its_pairs_and_its_other_way_by_hand(mini: Classifier, text: str) -> None:
    """A person can repeat every number with npbert classify."""
    found = npbert.explain(text, mini)
    spans = find_words(text)
    lead = lead_by_classify(mini, text, found.label)
    for number, word in enumerate(found.words):
        shortened = leave_out(text, spans, [number])
        assert word.effect == close(lead - lead_by_classify(mini, shortened, found.label))
        scores = {one["label"]: one["score"] for one in mini(shortened, top_k=None)}
        assert word.without == {label: close(score) for label, score in scores.items()}
        if word.other_way is not None:
            masked = mask(text, spans, [number], "[MASK]")
            assert word.other_way == close(lead - lead_by_classify(mini, masked, found.label))
    strongest = {word.start for word in found.strongest()[:5]}
    assert {word.start for word in found.words if word.other_way is not None} == strongest
    assert len(found.pairs) == math.comb(len(strongest), 2)
    for pair in found.pairs:
        first, second = found.words[pair.first], found.words[pair.second]
        assert {first.start, second.start} <= strongest
        shortened = leave_out(text, spans, [pair.first, pair.second])
        assert pair.effect == close(lead - lead_by_classify(mini, shortened, found.label))
        assert pair.interaction == close(pair.effect - first.effect - second.effect)
    sizes = [abs(pair.interaction) for pair in found.pairs]
    assert sizes == sorted(sizes, reverse=True)


def test_what_the_design_promises(mini: Classifier) -> None:
    found = npbert.explain(EXAMPLE, mini)
    assert [word.text for word in found.strongest()[:4]] == ["not", "bad", "but", "thin"]
    assert found.scores == {"NEGATIVE": close(0.1303828), "POSITIVE": close(0.8696172)}
    assert (found.pairs[0].first, found.pairs[0].second) == (9, 10)  # not, bad
    assert found.n_texts == 1 + 14 + 10 + 5
    doubtful = npbert.explain("I wouldn't say it's a bad film.", mini)
    assert [word.text for word in doubtful.words if word.is_doubtful] == ["it's", "a"]


def test_masking_is_the_other_experiment(mini: Classifier) -> None:
    left_out, masked = (npbert.explain(EXAMPLE, mini, method=m) for m in ("leave-one-out", "mask"))
    for one, other in zip(left_out.words, masked.words, strict=True):
        if one.other_way is not None:
            assert one.other_way == close(other.effect)
        if other.other_way is not None:
            assert other.other_way == close(one.effect)
    assert masked.words[9].without["NEGATIVE"] > 0.9


@pytest.mark.parametrize("text", ["Not bad.", SLOW_START])
def test_exact_shapley_values_sum_to_the_whole(mini: Classifier, text: str) -> None:
    found = npbert.explain(text, mini, method="shapley")
    nothing = lead_by_classify(mini, "", found.label)
    assert found.lead_of_nothing == close(nothing)
    assert sum(word.effect for word in found.words) == pytest.approx(found.lead - nothing, abs=1e-5)
    assert all(word.error is None for word in found.words)
    assert found.pairs == ()


def test_shapley_values_see_what_saturation_hides(mini: Classifier) -> None:
    left_out = {word.text: word.effect for word in npbert.explain(SLOW_START, mini).words}
    shares = {
        word.text: word.effect for word in npbert.explain(SLOW_START, mini, method="shapley").words
    }
    assert abs(left_out["slow"]) < 0.1
    assert shares["slow"] < -3


def test_sampled_shapley_values_have_an_error_and_the_same_sum(ours: Classifier) -> None:
    found = npbert.explain(EXAMPLE, ours, method="shapley")
    assert found.lead_of_nothing is not None
    assert all(word.error is not None and word.error > 0 for word in found.words)
    whole = found.lead - found.lead_of_nothing
    assert sum(word.effect for word in found.words) == pytest.approx(whole, abs=1e-5)


# ------------------------------------------------------------------------- labels and models


def test_the_label_can_be_chosen(ours: Classifier) -> None:
    for label in ("BAD", "SO-SO", "GOOD"):
        found = npbert.explain(EXAMPLE, ours, label=label)
        assert found.label == label
        assert found.lead == close(lead_by_classify(ours, EXAMPLE, label))
    assert list(found.scores) == ["BAD", "SO-SO", "GOOD"]


@pytest.mark.parametrize("settings", [{"problem_type": "multi_label_classification"}, {}])
def test_labels_that_do_not_exclude_each_other(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]
) -> None:
    """Their effects are in the logit of the label alone; so are those of a single label."""
    sizes: dict[str, Any] = {"num_labels": 3, **settings} if settings else {"num_labels": 1}
    classifier = npbert.pipeline(
        "text-classification", make_folder(tmp_path_factory.mktemp("model"), **sizes)
    )
    found = npbert.explain("good film", classifier, label="LABEL_0")
    logits = {
        text: {
            one["label"]: one["score"]
            for one in classifier(text, top_k=None, function_to_apply="none")
        }["LABEL_0"]
        for text in ("good film", "film")
    }
    assert found.words[0].effect == close(logits["good film"] - logits["film"])
    assert found.scores["LABEL_0"] == close(1 / (1 + math.exp(-logits["good film"])))


def test_several_texts_and_streams(mini: Classifier) -> None:
    texts = ["Not bad.", "Dull."]
    several = npbert.explain(texts, mini)
    assert several == [npbert.explain(text, mini) for text in texts]
    assert npbert.explain(np.array(texts), mini) == several
    seen = 0

    def read() -> Iterator[str]:
        nonlocal seen
        for text in texts:
            seen += 1
            yield text

    stream = npbert.explain(read(), mini)
    assert seen == 0
    assert next(stream) == several[0]
    assert seen == 1
    assert list(stream) == several[1:]
    assert npbert.explain([], mini) == []


def test_a_name_and_a_loaded_pipeline_give_the_same(mini: Classifier) -> None:
    assert npbert.explain("Not bad.", "mini", threads=1) == npbert.explain("Not bad.", mini)


# --------------------------------------------------------------------- texts of all sorts


@pytest.mark.parametrize(
    "text",
    ["good", "\U0001f600", "مرحبا بالعالم", "<script>alert(1)</script>", "\x1b[31mred\x1b[0m ok"],
)
@pytest.mark.parametrize("method", ["leave-one-out", "mask", "shapley"])
def test_strange_texts(mini: Classifier, text: str, method: Any) -> None:
    found = npbert.explain(text, mini, method=method)
    assert found.words
    assert found.scores[found.label] == close(mini(text)[0]["score"])


def of_tokens(n_words: int) -> str:
    """Return a text of so many words and as many tokens, besides [CLS] and [SEP]."""
    return f"{'a fine film ' * 33}. " * (n_words // 100) + "so " * (n_words % 100)


def test_512_tokens(ours: Classifier) -> None:
    text = of_tokens(510)
    with pytest.raises(ValueError, match=r"text 0 .* has 510 words, expected at most 200"):
        npbert.explain(text, ours)
    found = npbert.explain(text, ours, unit="sentence", attention=True)
    assert len(found.words) == 6
    assert found.tokens is not None
    assert len(found.tokens) == 512
    assert not found.is_cut


def test_more_than_512_tokens(ours: Classifier) -> None:
    """They are treated as in classify, in each variant."""
    text = of_tokens(705)
    with pytest.raises(ValueError, match=r"text 0 .* 707 tokens long, expected at most 512"):
        npbert.explain(text, ours, unit="sentence")
    with pytest.warns(UserWarning, match="1 of 1 text had more tokens"):
        cut = npbert.explain(text, ours, unit="sentence", long_text="truncate", steps=True)
    assert cut.is_cut
    assert cut.words[-1].effect == close(0)
    assert cut.tokens is not None
    assert len(cut.tokens) == 512
    whole = npbert.explain(text, ours, unit="sentence", long_text="window")
    assert abs(whole.words[-1].effect) > 1e-4
    assert whole.scores[whole.label] == close(ours(text, long_text="window")[0]["score"])


def test_sentences_are_left_out_whole(mini: Classifier) -> None:
    text = "The food was cold. I loved the music!"
    found = npbert.explain(text, mini, unit="sentence")
    assert [word.text for word in found.words] == ["The food was cold.", "I loved the music!"]
    expected = lead_by_classify(mini, text, found.label)
    expected -= lead_by_classify(mini, "I loved the music!", found.label)
    assert found.words[0].effect == close(expected)


# ----------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("texts", "options", "error", "message"),
    [
        ("", {}, ValueError, r"text 0 \(counted from 0\) has no word that could be left out"),
        ([EXAMPLE, " \n"], {}, ValueError, r"text 1 \(counted from 0\) has no word"),
        (["a", None], {}, TypeError, r"text 1 \(counted from 0\) is None"),
        (7, {}, TypeError, "texts is a int, expected a str"),
        ({"text": "a", "text_pair": "b"}, {}, TypeError, "takes single texts, and no pairs"),
        ([{"text": "a"}], {}, TypeError, "text 0 .* is a dict, but explain"),
        ("a", {"label": "BEST"}, ValueError, "'BEST', expected one of: 'BAD', 'SO-SO', 'GOOD'"),
        ("a", {"method": "gradients"}, ValueError, "method is 'gradients', expected one of"),
        ("a", {"unit": "token"}, ValueError, "unit is 'token', expected one of: 'word', 'sent"),
        ("a", {"text_pair": "b"}, TypeError, "unknown keyword argument 'text_pair'"),
        ("a", {"top_k": 2}, TypeError, "unknown keyword argument 'top_k'"),
        ("a", {"metod": "mask"}, TypeError, "did you mean 'method'"),
        ("a", {"revision": "main"}, ValueError, "revision is given, but the model is loaded"),
        ("a " * (MOST_UNITS + 1), {}, ValueError, "has 201 words, .* pass unit='sentence'"),
        ("a. " * (MOST_UNITS + 1), {"unit": "sentence"}, ValueError, "201 sentences"),
        ("a " * 8, {"max_length": 9, "long_text": "error"}, ValueError, "is 10 tokens"),
        (
            "good film. " * 200,
            {"unit": "sentence", "long_text": "window", "attention": True},
            ValueError,
            "read in 2 windows",
        ),
    ],
)
def test_bad_calls(
    ours: Classifier, texts: Any, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        npbert.explain(texts, ours, **options)


@pytest.mark.parametrize(
    ("text", "method"), [("good", "leave-one-out"), ("good", "mask"), (EXAMPLE, "shapley")]
)
def test_a_tokenizer_without_special_tokens(tmp_path: Path, text: str, method: Any) -> None:
    """Without its words, a text has no token then."""
    folder = make_folder(tmp_path)
    backend = npbert.AutoTokenizer.from_pretrained(folder).backend_tokenizer
    backend.post_processor = None
    backend.save(str(folder / "tokenizer.json"))
    of_class = '{"tokenizer_class": "PreTrainedTokenizerFast", "mask_token": "[MASK]"}'
    (folder / "tokenizer_config.json").write_text(of_class)
    assert len(npbert.explain(EXAMPLE, folder).words) == len(find_words(EXAMPLE))
    with pytest.raises(ValueError, match=r"text 0 has no token.* adds no special tokens"):
        npbert.explain(text, folder, method=method)


@pytest.mark.filterwarnings("ignore:.*bare encoder:UserWarning")
def test_models_that_do_not_fit(mini: Classifier, tmp_path_factory: pytest.TempPathFactory) -> None:
    other: Any = npbert.pipeline("feature-extraction", "mini")
    with pytest.raises(TypeError, match="model is a FeatureExtractionPipeline, expected the name"):
        npbert.explain("a", other)
    model: Any = mini.model
    with pytest.raises(ValueError, match="its tokenizer is needed"):
        npbert.explain("a", model)
    pairs = npbert.pipeline("text-classification", "mini", text_pair="b")
    with pytest.raises(ValueError, match="text_pair is given to the pipeline"):
        npbert.explain("a", pairs)
    folder = make_folder(tmp_path_factory.mktemp("model"), head="ForMaskedLM")
    with pytest.raises(npbert.CheckpointError, match="classifier"):
        npbert.explain("a", folder)
    folder = make_folder(tmp_path_factory.mktemp("model"), id2label={0: "A", 1: "B", 2: "A"})
    with pytest.raises(ValueError, match="more than one label 'A', so it would be unclear"):
        npbert.explain("a", folder)
