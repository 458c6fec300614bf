"""Models whose files are spoiled: config, tokenizer, weights, index, and links."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from fuzz.mutants import OUTSIDE, OUTSIDE_MARK, Mutant, Special
from fuzz.parts import NESTED as _NESTED
from fuzz.parts import PARTS
from fuzz.spoiled_bytes import spoil_bytes
from fuzz.spoiled_json import Pairs, encode, read, spoil_tree
from fuzz.weights import rewrite_weights, spoil_weights

FOLDER: Final = "model"
_INDEX: Final = "model.safetensors.index.json"
_SHARDS: Final = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
_CACHE: Final = "cache/models--owner--name"
_COMMIT: Final = "0123456789abcdef" * 2 + "01234567"

_PIECES: Final = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "bad", "film", "movie", "not"),
    *("very", "##s", "##ly", "##y", "i", "love", "hate", "it", "!", ".", ",", "?", "this", "so"),
    *("é", "b", "c", "##c", "##b", "東"),
)
_CONFIG: Final = {
    "model_type": "distilbert",
    "architectures": ["DistilBertForSequenceClassification"],
    **{"vocab_size": 32, "max_position_embeddings": 24, "dim": 8, "n_heads": 2, "n_layers": 1},
    **{"hidden_dim": 12, "activation": "gelu", "pad_token_id": 0, "tie_word_embeddings": True},
    **{"dropout": 0.1, "attention_dropout": 0.1, "qa_dropout": 0.1, "seq_classif_dropout": 0.2},
    **{"id2label": {"0": "NEGATIVE", "1": "POSITIVE"}, "label2id": {"NEGATIVE": 0, "POSITIVE": 1}},
    **{"initializer_range": 0.02, "sinusoidal_pos_embds": False, "torch_dtype": "float32"},
}
_SETTINGS: Final = {
    **{"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True},
    **{"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]"},
    **{"unk_token": "[UNK]", "model_max_length": 24, "tokenizer_class": "DistilBertTokenizer"},
    **{"clean_up_tokenization_spaces": True, "padding_side": "right"},
}
_DECODER: Final = {
    str(number): {"content": token, "lstrip": False, "normalized": False, "rstrip": False,
                  "single_word": False, "special": True}
    for number, token in enumerate(_PIECES[:5])
}  # fmt: skip
_SPECIAL_TOKENS_MAP: Final = {
    **{"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"},
    "mask_token": {"content": "[MASK]", "lstrip": True, "normalized": False},
    "additional_special_tokens": ["[CLS]"],
}
_ADDED_TOKENS: Final = {"[NEW]": 31}
_KEYS: Final = {
    "config.json": (
        *("hidden_size", "num_attention_heads", "num_hidden_layers", "num_labels", "problem_type"),
        *("output_hidden_states", "output_attentions", "return_dict", "quantization_config"),
        *("pruned_heads", "is_causal", "tokenizer_class", "auto_map", "id2label", "use_cache"),
        *("per_layer_config", "torch_dtype", "dtype", "finetuning_task", "use_return_dict"),
    ),
    "tokenizer_config.json": (
        *("added_tokens_decoder", "extra_special_tokens", "additional_special_tokens", "max_len"),
        *("split_special_tokens", "model_input_names", "truncation_side", "rebuild", "bos_token"),
        *("auto_map", "image_token", "model_specific_special_tokens", "never_split", "eos_token"),
        *("do_basic_tokenize", "add_prefix_space", "name_or_path", "special_tokens_map_file"),
    ),
    "tokenizer.json": (
        *("normalizer", "pre_tokenizer", "post_processor", "decoder", "truncation", "padding"),
        *("type", "pattern", "content", "normalizers", "id", "special", "max_input_chars_per_word"),
        *("Prepend", "Replace", "Sequence", "prepend", "single", "SpecialToken", "unk_token"),
    ),
}
_KEYS_OF_TOKENS: Final = ("eos_token", "image_token", "content", "extra_special_tokens", "[NEW2]")


@cache
def _layouts() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the files of a model as it is saved today, and as it was in older releases."""
    from npbert import AutoTokenizer

    tensors = _tensors()
    names = sorted(tensors)
    older = {
        "config.json": _json(_CONFIG),
        "vocab.txt": "".join(f"{piece}\n" for piece in _PIECES).encode(),
        "tokenizer_config.json": _json(_SETTINGS),
        "special_tokens_map.json": _json(_SPECIAL_TOKENS_MAP),
        "added_tokens.json": _json(_ADDED_TOKENS),
        _SHARDS[0]: _pack({name: tensors[name] for name in names[:9]}),
        _SHARDS[1]: _pack({name: tensors[name] for name in names[9:]}),
        _INDEX: _json(
            {
                "metadata": {"total_size": 4 * sum(array.size for array in tensors.values())},
                "weight_map": {name: _SHARDS[n >= 9] for n, name in enumerate(names)},
            }
        ),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in ("config.json", "vocab.txt", "tokenizer_config.json"):
            (Path(folder) / name).write_bytes(older[name])
        backend = AutoTokenizer.from_pretrained(folder).backend_tokenizer
        backend.add_special_tokens([*_PIECES[:5]])
        tokenizer = backend.to_str().encode()
    newer = {
        "config.json": older["config.json"],
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": _json({**_SETTINGS, "added_tokens_decoder": _DECODER}),
        "model.safetensors": _pack(tensors),
    }
    return newer, older


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()


def _pack(tensors: dict[str, Any]) -> bytes:
    from safetensors.numpy import save

    return bytes(save(tensors, metadata={"format": "pt"}))


def _tensors() -> dict[str, Any]:
    """Return weights with which different texts have different scores."""
    random_numbers = np.random.default_rng(0)
    dim, hidden = 8, 12
    layer = "distilbert.transformer.layer.0"
    linears = {
        **{f"{layer}.attention.{name}_lin": (dim, dim) for name in ("q", "k", "v", "out")},
        f"{layer}.ffn.lin1": (hidden, dim),
        f"{layer}.ffn.lin2": (dim, hidden),
        "pre_classifier": (dim, dim),
        "classifier": (2, dim),
    }
    norms = ("embeddings.LayerNorm", "transformer.layer.0.sa_layer_norm",
             "transformer.layer.0.output_layer_norm")  # fmt: skip
    shapes: dict[str, tuple[int, ...]] = {
        "distilbert.embeddings.word_embeddings.weight": (32, dim),
        "distilbert.embeddings.position_embeddings.weight": (24, dim),
        **{f"distilbert.{name}.{part}": (dim,) for name in norms for part in ("weight", "bias")},
        **{f"{name}.weight": shape for name, shape in linears.items()},
        **{f"{name}.bias": shape[:1] for name, shape in linears.items()},
    }
    return {
        name: random_numbers.normal("orm.weight" in name, 0.5, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


# ------------------------------------------------------------------------------ the changes


def draw_model(chance: random.Random) -> Mutant:
    """Return a model with a few changes."""
    files = dict(chance.choice(_layouts()))
    way = chance.random()
    if way < 0.10:
        return _rewritten(files, chance)
    if way < 0.16:
        return _with_special(files, chance)
    n_changes = chance.choice((1, 1, 1, 1, 2, 3))
    name = chance.choice([*files])
    for _ in range(n_changes):
        if chance.random() < 0.2:
            name = chance.choice([*files])
        files[name] = _spoil(name, files[name], chance)
    return _in_folder(_kind_of(name), files)


def layout_files(name: str) -> dict[str, bytes]:
    """Return the files of a model as it is saved today ("newer"), or as it was ("older")."""
    newer, older = _layouts()
    return dict({"newer": newer, "older": older}[name])


def original_model() -> Mutant:
    """Return a model without a change, of which both layouts have the same answer."""
    return _in_folder("original", _layouts()[0])


def _kind_of(name: str) -> str:
    return "weights" if name.endswith(".safetensors") else name


def _in_folder(kind: str, files: Mapping[str, bytes | Special]) -> Mutant:
    return Mutant(kind, {f"{FOLDER}/{name}": files[name] for name in files}, FOLDER)


def _with_outside(files: dict[str, Any], others: dict[str, bytes]) -> Mutant:
    """Return a model that reads a file outside of its folder."""
    mutant = _in_folder("links outside", files)
    more = {f"{OUTSIDE}/{name}": content for name, content in others.items()}
    return mutant._replace(files={**mutant.files, **more}, must_be_refused=True)


def _spoil(name: str, content: bytes, chance: random.Random) -> bytes:
    if name.endswith(".safetensors"):
        return spoil_weights(content, chance)
    if chance.random() < 0.12:
        return spoil_bytes(content, chance)
    if name == "tokenizer.json" and chance.random() < 0.5:
        try:
            return _spoil_part(content, chance)
        except (ValueError, RecursionError):  # an earlier change has made it something else
            return spoil_bytes(content, chance)
    if name == "vocab.txt":
        return _spoil_lines(content, chance)
    if name == _INDEX and chance.random() < 0.4:
        return _spoil_index(content, chance)
    try:
        tree = read(content.decode())
    except (ValueError, RecursionError):  # an earlier change has made it something else
        return spoil_bytes(content, chance)
    return encode(spoil_tree(tree, chance, _KEYS.get(name, _KEYS_OF_TOKENS)))


def _spoil_part(content: bytes, chance: random.Random) -> bytes:
    """Put another part into a tokenizer.json, or spoil a part of it."""
    tree = read(content.decode())
    if not isinstance(tree, Pairs):
        return spoil_bytes(content, chance)
    name = chance.choice([*PARTS])
    part = read(json.dumps(chance.choice(PARTS[name])))
    if chance.random() < 0.3:
        part = Pairs([("type", "Sequence"), (_NESTED[name], [part])]) if name in _NESTED else part
    if chance.random() < 0.6:
        part = spoil_tree(part, chance, _KEYS["tokenizer.json"])
    return encode(Pairs((key, part if key == name else value) for key, value in tree))


def _spoil_lines(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    way = chance.randrange(7)
    if way == 0:
        lines[one], lines[two] = lines[two], lines[one]
    elif way == 1:
        lines[one] = lines[two]
    elif way == 2:
        del lines[one]
    elif way == 3:
        lines.insert(one, chance.choice((b"", b" ", b"[CLS]", b"x" * 50_000, b"\xff", b"\0")))
    elif way == 4:
        lines[one] += chance.choice((b" ", b"\r", b"\t", b"\xe2\x80\xa8", b"##"))
    elif way == 5:
        return chance.choice((b"\r\n", b"\r", b"\n\n")).join(lines)
    else:
        lines *= chance.choice((2, 100))
    return b"\n".join(lines)


def _spoil_index(content: bytes, chance: random.Random) -> bytes:
    try:
        tree = read(content.decode())
    except (ValueError, RecursionError):  # an earlier change has made it something else
        return spoil_bytes(content, chance)
    values = tree if isinstance(tree, Pairs) else []
    names = next((value for key, value in values if key == "weight_map"), Pairs())
    if isinstance(names, Pairs) and names:
        outside = OUTSIDE_MARK.decode()
        strange: tuple[Any, ...] = (
            *(f"../{OUTSIDE}/{_SHARDS[0]}", f"{outside}/{_SHARDS[0]}", f"./{_SHARDS[0]}", ".", ""),
            *("..", "nothing.safetensors", "config.json", "\0", "a\\b", "\ud800", None, 5, [], {}),
            *("C:\\x", "~/x", "/dev/zero", "/dev/stdin", _SHARDS[0].upper(), *_SHARDS),
        )
        for _ in range(chance.choice((1, 1, 5))):
            number = chance.randrange(len(names))
            names[number] = (names[number][0], chance.choice(strange))
    return encode(tree)


def _rewritten(files: dict[str, bytes], chance: random.Random) -> Mutant:
    """Return a model of which a file says the same in another way."""
    original = _in_folder("original", dict(files))
    name = chance.choice([name for name in files if name != "vocab.txt"])
    if name.endswith(".safetensors"):
        files[name] = rewrite_weights(files[name], chance)
    else:
        tree = json.loads(files[name])
        keys = [*tree]
        if name != "tokenizer.json":
            chance.shuffle(keys)
        if name in ("config.json", "tokenizer_config.json", _INDEX):
            keys.append("of another program")
            tree[keys[-1]] = chance.choice(_OF_NOBODY)
        tree = {key: tree[key] for key in keys}
        files[name] = json.dumps(
            tree, indent=chance.choice((None, 0, 4)), ensure_ascii=chance.random() < 0.5
        ).encode()
    return _in_folder(f"the same {_kind_of(name)}", files)._replace(original=original)


_OF_NOBODY: Final[tuple[Any, ...]] = (
    None, True, -1, 1e300, float("nan"), "x" * 10_000, [[[]]], {"a": {"b": None}}, 10**30
)  # fmt: skip


def _with_special(files: dict[str, bytes], chance: random.Random) -> Mutant:
    """Return a model in which something else than a file is in the place of a file."""
    return chance.choice(_SPECIALS)(files, chance.choice([*files]))


def _linked_inside(files: dict[str, Any], name: str) -> Mutant:
    original = _in_folder("original", dict(files))
    files[f"store/{name}"] = files[name]
    files[name] = Special("link", f"store/{name}")
    return _in_folder("links inside", files)._replace(original=original)


def _linked_outside(files: dict[str, Any], name: str) -> Mutant:
    others = {name: files[name]}
    files[name] = Special("link", f"../{OUTSIDE}/{name}")
    return _with_outside(files, others)


def _linked_twice(files: dict[str, Any], name: str) -> Mutant:
    others = {name: files[name]}
    files["store"] = Special("link", f"../{OUTSIDE}")
    files[name] = Special("link", f"store/{name}")
    return _with_outside(files, others)


def _in_hub_cache(files: dict[str, bytes], _name: str) -> Mutant:
    folder = f"{_CACHE}/snapshots/{_COMMIT}"
    paths: dict[str, bytes | Special] = {}
    for name, content in files.items():
        paths[f"{_CACHE}/blobs/{name}"] = content
        paths[f"{folder}/{name}"] = Special("link", f"../../blobs/{name}")
    return Mutant("links of the hub cache", paths, folder, _in_folder("original", files))


def _of_other_repository(files: dict[str, bytes], name: str) -> Mutant:
    mutant = _in_hub_cache(files, name)
    folder, other = mutant.opened, "cache/models--someone--else/blobs"
    paths = {**mutant.files, f"{other}/{name}": files[name]}
    paths[f"{folder}/{name}"] = Special("link", f"../../../../{other}/{name}")
    return Mutant("links outside", paths, folder, must_be_refused=True)


def _fifo(files: dict[str, Any], name: str) -> Mutant:
    return _in_folder("fifo", {**files, name: Special("fifo")})


def _folder(files: dict[str, Any], name: str) -> Mutant:
    return _in_folder("folder", {**files, name: Special("folder")})


def _device(files: dict[str, Any], name: str) -> Mutant:
    return _in_folder("device", {**files, name: Special("link", "/dev/zero")})


def _loop(files: dict[str, Any], name: str) -> Mutant:
    return _in_folder("loop", {**files, name: Special("link", name)})


def _missing(files: dict[str, Any], name: str) -> Mutant:
    return _in_folder("missing", {key: files[key] for key in files if key != name})


_SPECIALS: Final[tuple[Callable[[dict[str, Any], str], Mutant], ...]] = (
    *(_linked_inside, _linked_outside, _linked_twice, _in_hub_cache, _of_other_repository),
    *(_fifo, _folder, _device, _loop, _missing),
)
