"""The engines that bench.py compares, each run in a process of its own.

    python bench_engines.py ENGINE MODEL_FOLDER N_THREADS

reads one JSON request a line from standard input and answers each with a JSON line:
``{"texts": …, "batch_size": …, "sort": …, "repeat": …}`` →
``{"elapsed_s": …, "scores": …, "peak_rss_kib": …}``,
the time from texts to labels, tokenization included, of all repetitions, and the most memory
that the process ever had.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Label = Callable[[list[str], int, bool], list[float]]  # texts, batch size, sort by length?
MAX_LENGTH = 512
PRODUCT = (3072, 768, 1024)  # hidden_dim, dim, tokens


def npbert_engine(folder: Path, n_threads: int) -> Label:
    """`npbert.pipeline`; batch size and order make no difference to it."""
    import npbert

    classifier = npbert.pipeline(
        "text-classification", folder, long_text="truncate", threads=n_threads
    )

    def label(texts: list[str], _: int, __: bool) -> list[float]:
        return [_positive(result) for result in classifier(texts)]

    return label


def npbert_stream_engine(folder: Path, n_threads: int) -> Label:
    """The same, a long stream: the texts again and again, `batch_size` times, no result kept."""
    import npbert

    classifier = npbert.pipeline("text-classification", folder, threads=n_threads)

    def label(texts: list[str], n_times: int, _: bool) -> list[float]:
        for _result in classifier(text for _ in range(n_times) for text in texts):
            pass
        return []

    return label


def npbert_file_engine(folder: Path, n_threads: int) -> Label:
    """`npbert classify` from a csv file, the only "text", to another file."""
    from npbert.cli.main import main

    def label(texts: list[str], _: int, __: bool) -> list[float]:
        (source,) = texts
        model = ["--model", str(folder), "--threads", str(n_threads)]
        with tempfile.TemporaryDirectory() as place:
            files = ["--input", source, "--output", f"{place}/labelled.csv"]
            if main(["classify", "--quiet", *model, *files]):
                raise SystemExit(1)
        return []

    return label


def npbert_worker_engine(folder: Path, n_threads: int) -> Label:
    """`npbert.distributed.Classifier` as a worker of an engine has it: unpickled."""
    from npbert.distributed import Classifier

    classifier = Classifier(folder, threads=n_threads, long_text="truncate")
    classifier = pickle.loads(pickle.dumps(classifier))

    def label(texts: list[str], _: int, __: bool) -> list[float]:
        labelled = classifier({"text": np.array(texts, object)})
        found = zip(labelled["label"], labelled["score"], strict=True)
        return [_positive({"label": name, "score": score}) for name, score in found]

    return label


def products_engine(folder: Path, n_threads: int) -> Label:
    """The limit: the matrix products of npbert's forward pass and nothing else."""
    import npbert
    from npbert.distilbert.model import Pack, heads_at_once, split_heads
    from npbert.distilbert.packs import TokenSequence, packs_of
    from npbert.distilbert.threads import map_on_threads

    tokenizer = npbert.AutoTokenizer.from_pretrained(folder)
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    layers, config = model.encoder.layers, model.config

    def products(pack: Pack) -> Array:
        x = np.zeros((config.dim, len(pack.input_ids)), np.float32)
        hidden = np.zeros((config.hidden_dim, x.shape[1]), np.float32)
        for layer in layers:
            is_last = layer is layers[-1]
            read = x[:, : len(pack.starts) - 1] if is_last else x
            attention = layer.attention
            key, value = attention.k_lin.weight @ x, attention.v_lin.weight @ x
            query = attention.q_lin.weight @ read
            for begin, end in zip(pack.starts[:-1], pack.starts[1:], strict=True):
                q = split_heads(query[:, :1] if is_last else query[:, begin:end], config.n_heads)
                k = split_heads(key[:, begin:end], config.n_heads)
                v = split_heads(value[:, begin:end], config.n_heads)
                for some in heads_at_once(q, k):
                    v[some] @ (k[some].transpose(0, 2, 1) @ q[some])
            attention.out_lin.weight @ read
            layer.ffn.lin1.weight @ read
            layer.ffn.lin2.weight @ hidden[:, : read.shape[1]]
        return x

    packs: dict[tuple[str, ...], list[Pack]] = {}

    def label(texts: list[str], _: int, __: bool) -> list[float]:
        if tuple(texts) not in packs:  # in the warm-up: tokenizing is no matrix product
            ids = tokenizer(texts, truncation=True).input_ids
            tokenized = [TokenSequence(np.array(row), np.arange(len(row))) for row in ids]
            packs[tuple(texts)] = list(packs_of(tokenized, n_threads=n_threads))
        map_on_threads(products, packs[tuple(texts)], n_threads)
        return []

    return label


def numpy_product_engine(_: Path, n_threads: int) -> Label:
    """One matrix product as in the widest layer, by numpy."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(n_threads, user_api="blas")
    weight = np.ones(PRODUCT[:2], np.float32)
    x = np.ones(PRODUCT[1:], np.float32)

    def label(_texts: list[str], _size: int, __: bool) -> list[float]:
        weight @ x
        return []

    return label


def torch_product_engine(_: Path, n_threads: int) -> Label:
    """The same product by torch."""
    import torch

    torch.set_num_threads(n_threads)
    weight, x = torch.ones(PRODUCT[:2]), torch.ones(PRODUCT[1:])

    def label(_texts: list[str], _size: int, __: bool) -> list[float]:
        weight @ x
        return []

    return label


def pipeline_engine(folder: Path, n_threads: int) -> Label:
    """The pipeline of transformers."""
    import torch
    import transformers

    torch.set_num_threads(n_threads)
    classifier = transformers.pipeline("text-classification", str(folder), dtype=torch.float32)

    def label(texts: list[str], batch_size: int, _: bool) -> list[float]:
        results = classifier(texts, batch_size=batch_size, truncation=True, max_length=MAX_LENGTH)
        return [_positive(result) for result in results]

    return label


def torch_engine(folder: Path, n_threads: int) -> Label:
    """The bare model of transformers with padded batches."""
    import torch
    import transformers

    torch.set_num_threads(n_threads)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32
    ).eval()

    def logits(input_ids: Array, mask: Array) -> Array:
        with torch.inference_mode():
            ids = torch.from_numpy(input_ids)
            return np.asarray(model(ids, torch.from_numpy(mask)).logits)

    return _batched(folder, logits)


def onnxruntime_engine(folder: Path, n_threads: int) -> Label:
    """ONNX Runtime on the CPU, all its graph optimizations on."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    session = onnxruntime.InferenceSession(
        folder / "model.onnx", options, providers=["CPUExecutionProvider"]
    )

    def logits(input_ids: Array, mask: Array) -> Array:
        return np.asarray(session.run(None, {"input_ids": input_ids, "attention_mask": mask})[0])

    return _batched(folder, logits)


def openvino_engine(folder: Path, n_threads: int) -> Label:
    """OpenVINO on the CPU, in float32."""
    import openvino

    settings = {"INFERENCE_NUM_THREADS": n_threads, "INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(folder / "model.onnx", "CPU", settings)

    def logits(input_ids: Array, mask: Array) -> Array:
        return np.asarray(model({"input_ids": input_ids, "attention_mask": mask})[0])

    return _batched(folder, logits)


ENGINES: dict[str, Callable[[Path, int], Label]] = {
    "npbert": npbert_engine,
    "npbert stream": npbert_stream_engine,
    "npbert file": npbert_file_engine,
    "npbert worker": npbert_worker_engine,
    "products": products_engine,
    "numpy product": numpy_product_engine,
    "torch product": torch_product_engine,
    "transformers": pipeline_engine,
    "torch": torch_engine,
    "onnxruntime": onnxruntime_engine,
    "openvino": openvino_engine,
}


def _positive(result: dict[str, Any]) -> float:
    score = float(result["score"])
    return score if result["label"] == "POSITIVE" else 1 - score


def _batched(folder: Path, logits: Callable[[Array, Array], Array]) -> Label:
    """Padded batches with the `tokenizers` library, for an engine that takes arrays."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_LENGTH)
    tokenizer.no_padding()

    def label(texts: list[str], batch_size: int, sort: bool) -> list[float]:
        rows = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]
        order = list(range(len(rows)))
        if sort:
            order.sort(key=lambda row: len(rows[row]))
        scores = np.empty(len(rows))
        for chosen in _chunks(order, batch_size):
            width = max(len(rows[row]) for row in chosen)
            input_ids = np.zeros((len(chosen), width), np.int64)
            mask = np.zeros((len(chosen), width), np.int64)
            for place, row in enumerate(chosen):
                input_ids[place, : len(rows[row])] = rows[row]
                mask[place, : len(rows[row])] = 1
            difference = np.diff(logits(input_ids, mask).astype(np.float64))[:, 0]
            scores[chosen] = 1 / (1 + np.exp(-difference))  # softmax of two logits
        return list(map(float, scores))

    return label


def _chunks(order: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(order), size):
        yield order[start : start + size]


def peak_rss_kib() -> int:
    """Most memory that this process ever had; 0 where the system does not say.

    Not getrusage's figure, which counts the parent before the program was started.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def main() -> None:
    """Answer requests until standard input ends."""
    name, folder, n_threads = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")  # libraries may print; their words go to stderr
    os.dup2(2, 1)
    label = ENGINES[name](Path(folder), int(n_threads))
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        texts = request["texts"]
        started = time.perf_counter()
        for _ in range(request["repeat"]):
            scores = label(texts, request["batch_size"], request["sort"])
        elapsed_s = time.perf_counter() - started
        answer = {"elapsed_s": elapsed_s, "scores": scores, "peak_rss_kib": peak_rss_kib()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
