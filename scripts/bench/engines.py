"""The engines that the benchmarks compare. Each one runs in a process of its own.

    python scripts/bench/engines.py ENGINE MODEL_FOLDER N_THREADS

The process reads requests from standard input, one JSON line per request, and writes one JSON
line per reply: see `Request` and `Reply`. This file imports nothing else from its folder, so that
it can be run by its path.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]  # (batch, seq)
Float32 = NDArray[np.float32]

# A function of the texts, the batch size, and whether to sort the texts by length. It returns
# the score of POSITIVE for each text, in the order of the texts.
Label = Callable[[list[str], int, bool], list[float]]

MAX_LENGTH = 512  # tokens per text; longer texts are cut
PRODUCT = (3072, 768, 1024)  # hidden_dim, dim, tokens


class Request(TypedDict):
    """What an engine is asked to do."""

    texts: list[str]
    batch_size: int
    sort: bool  # by length, so that batches need less padding
    repeat: int  # how often to label the texts
    callers: int  # threads that call with one text at a time; 0 for one call with all texts


class Reply(TypedDict):
    """What an engine measured."""

    elapsed_s: float  # from texts to labels, tokenization included, for all repetitions
    repetitions_s: list[float]  # the same for each repetition
    cpu_s: float  # the time of all processors that the process took meanwhile
    scores: list[float]  # of the last repetition
    peak_rss_kib: int  # most memory that the process has ever had


def npbert_engine(folder: Path, n_threads: int) -> Label:
    """Return `npbert.pipeline`, which makes its own batches: size and order do not matter."""
    import npbert

    classifier = npbert.pipeline(
        "text-classification", folder, long_text="truncate", threads=n_threads
    )

    def label(texts: list[str], _: int, __: bool) -> list[float]:
        return [_positive_score(**result) for result in classifier(texts)]

    return label


def npbert_stream_engine(folder: Path, n_threads: int) -> Label:
    """Return `npbert.pipeline` on a stream: the texts `batch_size` times over, no result kept."""
    import npbert

    classifier = npbert.pipeline("text-classification", folder, threads=n_threads)

    def label(texts: list[str], n_times: int, _: bool) -> list[float]:
        for _result in classifier(text for _ in range(n_times) for text in texts):
            pass
        return []

    return label


def npbert_file_engine(folder: Path, n_threads: int) -> Label:
    """Return `npbert classify` from one csv file to another; the "text" is the first path."""
    from npbert.cli.commands import main

    def label(texts: list[str], _: int, __: bool) -> list[float]:
        (path,) = texts
        model = ["--model", str(folder), "--threads", str(n_threads)]
        with tempfile.TemporaryDirectory() as output_folder:
            files = ["--input", path, "--output", f"{output_folder}/labelled.csv"]
            if main(["classify", "--quiet", *model, *files]):
                raise SystemExit(1)
        return []

    return label


def npbert_worker_engine(folder: Path, n_threads: int) -> Label:
    """Return `npbert.distributed.Classifier` as a worker of a cluster receives it: unpickled."""
    from npbert.distributed import Classifier

    classifier = Classifier(folder, threads=n_threads, long_text="truncate")
    classifier = pickle.loads(pickle.dumps(classifier))

    def label(texts: list[str], _: int, __: bool) -> list[float]:
        labelled = classifier({"text": np.array(texts, object)})
        pairs = zip(labelled["label"], labelled["score"], strict=True)
        return [_positive_score(name, score) for name, score in pairs]

    return label


def products_engine(folder: Path, n_threads: int) -> Label:
    """Return the limit: the matrix products of npbert's forward pass and nothing else."""
    import npbert
    from npbert.distilbert.model import Pack, heads_at_once, split_heads
    from npbert.distilbert.packs import TokenSequence, packs_of
    from npbert.distilbert.threads import map_on_threads

    tokenizer = npbert.AutoTokenizer.from_pretrained(folder)
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    layers, config = model.encoder.layers, model.config

    def products(pack: Pack) -> Float32:
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
        if tuple(texts) not in packs:  # in the warm-up: this engine does not time tokenization
            ids = tokenizer(texts, truncation=True).input_ids
            tokenized = [TokenSequence(np.array(row), np.arange(len(row))) for row in ids]
            packs[tuple(texts)] = list(packs_of(tokenized, n_threads=n_threads))
        map_on_threads(products, packs[tuple(texts)], n_threads)
        return []

    return label


def numpy_product_engine(_: Path, n_threads: int) -> Label:
    """Return one matrix product of numpy, with the shape of the widest layer."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(n_threads, user_api="blas")
    weight = np.ones(PRODUCT[:2], np.float32)
    x = np.ones(PRODUCT[1:], np.float32)

    def label(_texts: list[str], _size: int, __: bool) -> list[float]:
        weight @ x
        return []

    return label


def torch_product_engine(_: Path, n_threads: int) -> Label:
    """Return one matrix product of torch, with the same shape."""
    import torch

    torch.set_num_threads(n_threads)
    weight, x = torch.ones(PRODUCT[:2]), torch.ones(PRODUCT[1:])

    def label(_texts: list[str], _size: int, __: bool) -> list[float]:
        weight @ x
        return []

    return label


def pipeline_engine(folder: Path, n_threads: int) -> Label:
    """Return the pipeline of transformers."""
    import torch
    import transformers

    torch.set_num_threads(n_threads)
    classifier = transformers.pipeline("text-classification", str(folder), dtype=torch.float32)

    def label(texts: list[str], batch_size: int, _: bool) -> list[float]:
        results = classifier(texts, batch_size=batch_size, truncation=True, max_length=MAX_LENGTH)
        return [_positive_score(**result) for result in results]

    return label


def torch_engine(folder: Path, n_threads: int) -> Label:
    """Return the bare model of transformers, which is given padded batches."""
    import torch
    import transformers

    torch.set_num_threads(n_threads)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32
    ).eval()

    def logits(input_ids: Ids, mask: Ids) -> Float32:
        with torch.inference_mode():
            ids = torch.from_numpy(input_ids)
            return np.asarray(model(ids, torch.from_numpy(mask)).logits)

    return _batched(folder, logits)


def onnxruntime_engine(folder: Path, n_threads: int) -> Label:
    """Return ONNX Runtime on the CPU, with all its graph optimizations."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    session = onnxruntime.InferenceSession(
        folder / "model.onnx", options, providers=["CPUExecutionProvider"]
    )

    def logits(input_ids: Ids, mask: Ids) -> Float32:
        return np.asarray(session.run(None, {"input_ids": input_ids, "attention_mask": mask})[0])

    return _batched(folder, logits)


def openvino_engine(folder: Path, n_threads: int) -> Label:
    """Return OpenVINO on the CPU, in float32."""
    import openvino

    settings = {"INFERENCE_NUM_THREADS": n_threads, "INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(folder / "model.onnx", "CPU", settings)

    def logits(input_ids: Ids, mask: Ids) -> Float32:
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


def _positive_score(label: str, score: float) -> float:
    """Return the score of POSITIVE, given the better of the two labels and its score."""
    return float(score) if label == "POSITIVE" else 1 - float(score)


def _batched(folder: Path, logits: Callable[[Ids, Ids], Float32]) -> Label:
    """Return an engine that gives padded batches, made with `tokenizers`, to `logits`."""
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
            for number, row in enumerate(chosen):
                input_ids[number, : len(rows[row])] = rows[row]
                mask[number, : len(rows[row])] = 1
            difference = np.diff(logits(input_ids, mask).astype(np.float64))[:, 0]
            scores[chosen] = 1 / (1 + np.exp(-difference))  # softmax of two logits
        return list(map(float, scores))

    return label


def _chunks(order: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _reply_to(request: Request, label: Label) -> list[float]:
    """Label the texts in one call, or in calls with one text on several threads."""
    texts, size, sort = request["texts"], request["batch_size"], request["sort"]
    if not request["callers"]:
        return label(texts, size, sort)
    with ThreadPoolExecutor(request["callers"]) as pool:
        return [scores[0] for scores in pool.map(lambda text: label([text], 1, False), texts)]


def peak_rss_kib() -> int:
    """Return the most memory that this process has ever had, or 0 if the system does not say.

    The figure of getrusage is no use: it counts the parent process too, up to the moment at
    which this program was started.
    """
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def main() -> None:
    """Reply to requests until standard input ends."""
    name, folder, n_threads = sys.argv[1:]
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to standard error
    label = ENGINES[name](Path(folder), int(n_threads))
    print(json.dumps("ready"), file=replies, flush=True)
    for line in sys.stdin:
        request: Request = json.loads(line)
        times, cpu_started = [time.perf_counter()], time.process_time()
        for _ in range(request["repeat"]):
            scores = _reply_to(request, label)
            times.append(time.perf_counter())
        reply: Reply = {
            "elapsed_s": times[-1] - times[0],
            "repetitions_s": [end - start for start, end in pairwise(times)],
            "cpu_s": time.process_time() - cpu_started,
            "scores": scores,
            "peak_rss_kib": peak_rss_kib(),
        }
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
