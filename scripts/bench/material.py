"""The model, saved in the format of each engine, and the texts that the benchmarks label."""

from __future__ import annotations

import csv
import random
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

CHECKOUT = Path(__file__).parents[2]
MINI = CHECKOUT / "npbert" / "checkpoints" / "mini"
DATA = CHECKOUT / "tests" / "data"
SEED = 0


class Work(NamedTuple):
    """Texts to label, the batch sizes that the peers may try, and how often to label the texts.

    With `callers`, so many threads call with one text at a time.
    """

    name: str
    texts: list[str]
    batch_sizes: tuple[int, ...] = (1,)
    repeat: int = 1
    callers: int = 0


def make_folder(folder: Path, **shape: int) -> None:
    """Save a model with random weights; it has the base size unless `shape` gives other sizes."""
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    transformers.utils.logging.set_verbosity_error()
    torch.manual_seed(SEED)
    config = transformers.DistilBertConfig(
        id2label={0: "NEGATIVE", 1: "POSITIVE"}, label2id={"NEGATIVE": 0, "POSITIVE": 1}, **shape
    )
    model = transformers.DistilBertForSequenceClassification(config).eval()
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_bytes((DATA / "vocab.txt").read_bytes())
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 512}')
    _add_files_of_peers(folder, model)


def make_mini_folder(folder: Path) -> None:
    """Save `mini` with the files that its peers need: tokenizer.json, and model.onnx."""
    import torch
    import transformers

    shutil.copytree(MINI, folder, dirs_exist_ok=True)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32
    )
    _add_files_of_peers(folder, model.eval())


def _add_files_of_peers(folder: Path, model: Any) -> None:
    """Save the tokenizer as tokenizer.json, and the model as model.onnx if onnx is installed."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    if not find_spec("onnx"):
        return
    names = ["input_ids", "attention_mask"]
    example = torch.ones(2, 16, dtype=torch.long)
    torch.onnx.export(
        model,
        (example, example),
        str(folder / "model.onnx"),
        input_names=names,
        output_names=["logits"],
        dynamic_axes={name: {0: "batch", 1: "seq"} for name in names},
        dynamo=False,
    )


def sentences() -> list[str]:
    """Return the 872 sentences of the SST-2 dev set, in the order of the file."""
    lines = (DATA / "sst2_dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [line.split("\t")[0] for line in lines]


def reviews(path: Path | None, n_texts: int) -> list[str]:
    """Return long texts: those of a csv file, or sentences joined to the lengths of reviews."""
    if path is not None:
        with path.open(encoding="utf-8", newline="") as file:
            return [row["text"] for row in csv.DictReader(file)][:n_texts]
    import numpy as np

    rng = np.random.default_rng(SEED)
    pool = sentences()
    texts = []
    # The median is 181 words, and one text in ten has more than 390.
    for n_words in rng.lognormal(5.2, 0.6, n_texts):
        text = ""
        while len(text.split()) < n_words:
            text += " " + pool[rng.integers(len(pool))]
        texts.append(text)
    return texts


def shuffled_sentences() -> list[str]:
    """Return the sentences of SST-2 in another order, so that any first part is like the whole."""
    texts = sentences()
    random.Random(SEED).shuffle(texts)
    return texts


def with_reviews(path: Path | None) -> list[str]:
    """Return shuffled sentences in which every tenth text is a long review instead."""
    texts = shuffled_sentences()
    places = range(9, len(texts), 10)
    long = reviews(path, len(places))
    for number, place in enumerate(places):
        texts[place] = long[number % len(long)]
    return texts


def works(quick: bool, review_file: Path | None) -> list[Work]:
    """Return what `speed` times: sentences, long reviews, and single texts of several lengths."""
    step, n_reviews, n_tokens = (20, 3, 160) if quick else (1, 200, 640)
    lengths = (16, 128) if quick else (8, 16, 32, 128, 512)
    return [
        Work("SST-2 sentences", sentences()[::step], (1, 8, 32)),
        Work("long reviews", reviews(review_file, n_reviews), (1, 4) if quick else (1, 4, 16)),
        *(
            Work(f"one text of {n} tokens", ["film " * (n - 2)], repeat=max(1, n_tokens // n))
            for n in lengths
        ),
    ]
