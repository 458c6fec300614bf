"""A user's file of about 40 calls: type checkers know what each one gives, without a cast.

scripts/check runs mypy --strict and pyright on this file. It is checked, and never run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import npbert
from npbert.distributed import Classifier


def label(texts: list[str]) -> dict[str, float]:
    """Label texts in all the usual ways."""
    scores: dict[str, float] = {}
    for result in npbert.classify(texts):
        scores[result["label"]] = result["score"]
    for result in npbert.classify("I love this film."):
        scores[result["label"].lower()] = result["score"] * 100
    for ranked in npbert.classify(texts, model="mini", top_k=None):
        scores[ranked[0]["label"]] = ranked[0]["score"]
    best = npbert.classify({"text": "A", "text_pair": "B"}, model="mini", revision=None)
    scores[best["label"]] = best["score"]
    stream = npbert.classify((line for line in texts), model="mini", batch_size=1)
    scores["first"] = next(stream)["score"]
    lengths = npbert.classify(tuple(texts), long_text="window", threads=2, max_length=128)
    scores["n"] = float(len(lengths))
    return scores


def pipelines(folder: Path) -> Iterator[str]:
    """Make a pipeline of every task, and read its results."""
    classifier = npbert.pipeline("sentiment-analysis", folder, device="cpu")
    yield classifier("Good.")[0]["label"]
    yield classifier(["Good.", "Bad."], top_k=2)[1][0]["label"]
    yield from (result["label"] for result in classifier(iter(["Good."])))
    tagger = npbert.pipeline("ner", folder, aggregation_strategy="simple")
    for entity in tagger("Maria lives in Lima."):
        yield entity["entity_group"] + entity["word"]
    for token in npbert.pipeline("token-classification", folder)("Maria lives in Lima."):
        yield f"{token['index']} {token['entity']}"
    answerer = npbert.pipeline("question-answering", folder)
    yield answerer(question="Who?", context="Maria.")["answer"]
    yield answerer({"question": "Who?", "context": "Maria."})["answer"].upper()
    filler = npbert.pipeline("fill-mask", folder, top_k=3)
    for word in filler("Lima is the [MASK] of Peru."):
        if not isinstance(word, list):  # a text with several masks gives lists
            yield word["token_str"]
    zero_shot = npbert.pipeline("zero-shot-classification", folder)
    yield zero_shot("Great plot.", ["film", "food"])["labels"][0]
    for result in zero_shot(["Great plot."], candidate_labels="film, food", multi_label=True):
        yield result["labels"][0]
    vectors = npbert.pipeline("feature-extraction", folder, return_tensors=True)
    yield str(vectors("Good.").shape)
    yield str(npbert.pipeline("feature-extraction", folder)("Good.")[0][0][0] + 1.0)


def by_hand(folder: Path) -> NDArray[np.float32]:
    """Call the tokenizer and the models."""
    tokenizer = npbert.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    inputs = tokenizer(["Good.", "Bad."], padding=True, truncation=True, return_tensors="np")
    n_tokens = int(inputs["attention_mask"].sum()) + len(tokenizer.tokenize("Good."))
    ids: list[int] = tokenizer("Good.")["input_ids"]
    text: str = tokenizer.decode(ids, skip_special_tokens=True)
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder, dtype="float32")
    output = model(**inputs, output_attentions=True)
    probs = npbert.softmax(output.logits, axis=-1)
    names = [model.config.id2label[int(column)] for column in probs.argmax(axis=-1)]
    encoder = npbert.AutoModel.from_pretrained(folder)
    hidden = encoder(input_ids=[ids]).last_hidden_state
    first = output.attentions[0] if output.attentions is not None else hidden
    config = npbert.AutoConfig.from_pretrained(folder, num_labels=3)
    print(n_tokens, text.title(), names, first.ndim, config.dim + config.num_labels)
    tagger = npbert.AutoModelForTokenClassification.from_pretrained(folder)
    return np.concatenate([hidden, tagger([ids]).logits], axis=-1)


def in_a_cluster(model: str) -> Classifier:
    """Make the object that the workers of Ray or Spark call."""
    return Classifier(model, column="review", top_k=None, long_text="truncate")


def errors(folder: Path) -> str:
    """Catch the one error class of npbert's own."""
    try:
        npbert.AutoModelForMaskedLM.from_pretrained(folder)
    except npbert.CheckpointError as error:
        return str(error)
    return "loaded"
