"""Random calls of the tokenizers, and of what turns ids back into texts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import transformers

import npbert
from differential.chance import Chance
from differential.draw import Draw
from differential.texts import Texts
from differential.world import World

_OPTIONS: Final[dict[str, Sequence[object]]] = {
    "add_special_tokens": [True, False],
    "padding": [True, False, "longest", "max_length", "do_not_pad"],
    "truncation": [
        *(True, False, None, "longest_first", "only_first", "only_second", "do_not_truncate"),
    ],
    "max_length": [4, 5, 8, 16, 32],
    "stride": [0, 1, 2],
    "pad_to_multiple_of": [1, 4, 8],
    "padding_side": ["left", "right"],
    "return_tensors": [None, "np"],
    "return_token_type_ids": [True, False],
    "return_attention_mask": [True, False],
    "return_overflowing_tokens": [True, False],
    "return_special_tokens_mask": [True, False],
    "return_offsets_mapping": [True, False],
    "return_length": [True, False],
    "split_special_tokens": [True, False],
}
_ATTRIBUTES: Final = (
    *("all_special_tokens", "all_special_ids", "special_tokens_map", "pad_token", "mask_token_id"),
    *("model_max_length", "padding_side", "truncation_side", "vocab_size", "cls_token_id"),
    *("unk_token", "sep_token_id", "is_fast", "max_len_single_sentence"),
)


def draw_tokenizer_call(world: World, chance: Chance, texts: Texts) -> Draw:
    """Draw texts and options, or ids and tokens on their way back."""
    kind = chance.random()
    if kind < 0.55:
        return _draw_call(world, chance, texts)
    if kind < 0.75:
        return _draw_decode(world, chance)
    if kind < 0.79:
        return _draw_pad(world, chance)
    if kind < 0.8:
        return _draw_saved(world, texts.text(), chance.happens(0.5))
    if kind < 0.9:
        return _draw(world, f"tokenize({(text := texts.text())!r})", lambda it: it.tokenize(text))
    if kind < 0.95:
        names = chance.sample(_ATTRIBUTES, 4)
        return _draw(world, f"{names}", lambda it: [getattr(it, name) for name in names])
    words = chance.several(texts.word, 1, 4)
    return _draw(world, f"ids of {words!r}", lambda it: it.convert_tokens_to_ids(words))


def _draw(world: World, call: str, ask: Callable[[Any], Any], **more: Any) -> Draw:
    sides = world.our_tokenizer, world.their_tokenizer
    ours, theirs = (partial(ask, side) for side in sides)
    return Draw("tokenizer", f"tokenizer {call}", ours, theirs, **more)


def _draw_call(world: World, chance: Chance, texts: Texts) -> Draw:
    options = chance.options(_OPTIONS, 0.2)
    make: Callable[[], Any] = texts.text
    if chance.happens(0.15):
        make, options["is_split_into_words"] = texts.words, True
    arguments: tuple[Any, ...] = (make(),)
    way = chance.random()
    if way < 0.25:
        arguments = make(), make()
    elif way < 0.5:
        arguments = (chance.several(make, 1, 3),)
    elif way < 0.65:
        pairs = chance.several(lambda: (make(), make()), 1, 3)
        arguments = [one for one, _ in pairs], [other for _, other in pairs]

    def ask(tokenizer: Any) -> Any:
        given = dict(options)
        if tokenizer is world.their_tokenizer:  # see docs/differences.md
            given.setdefault("return_token_type_ids", False)
        encoding = tokenizer(*arguments, **given)
        return dict(encoding), [row.tokens for row in encoding.encodings]

    return _draw(
        world,
        f"call {arguments!r}, {options!r}",
        ask,
        arguments=options,
    )


def _draw_pad(world: World, chance: Chance) -> Draw:
    rows = [
        {"input_ids": chance.several(lambda: chance.randrange(len(world.our_tokenizer)), 1, 9)}
        for _ in range(chance.randint(1, 3))
    ]
    names = ("padding", "max_length", "pad_to_multiple_of", "padding_side", "return_tensors")
    options = chance.options({name: _OPTIONS[name] for name in names}, 0.4)
    return _draw(
        world,
        f"pad({rows}, {options})",
        lambda it: dict(it.pad([dict(row) for row in rows], **options)),
        arguments=options,
    )


def _draw_saved(world: World, text: str, by_npbert: bool) -> Draw:
    """Draw a text for the tokenizers that both libraries load from what one of them saved."""
    saved = world.our_tokenizer if by_npbert else world.their_tokenizer

    def ask(tokenizer: Any) -> Any:
        library = npbert if tokenizer is world.our_tokenizer else transformers
        with tempfile.TemporaryDirectory(prefix="differential") as folder:
            saved.save_pretrained(folder)
            (Path(folder) / "config.json").write_text('{"model_type": "distilbert"}')
            loaded = library.AutoTokenizer.from_pretrained(folder)
        encoding = loaded(text, return_token_type_ids=False)
        return dict(encoding), [row.tokens for row in encoding.encodings], loaded.padding_side

    return _draw(world, f"saved by {'npbert' if by_npbert else 'transformers'}: {text!r}", ask)


def _draw_decode(world: World, chance: Chance) -> Draw:
    size = len(world.our_tokenizer)
    beyond = size + 3 if chance.happens(0.05) else size

    def row() -> list[int]:
        return chance.several(lambda: chance.randrange(beyond), 0, 9)

    options = chance.options(
        {
            "skip_special_tokens": [True, False],
            "clean_up_tokenization_spaces": [True, False, None],
        },
        0.5,
    )
    ids = row() or [0]
    way = chance.random()
    if way < 0.6:
        return _draw(world, f"decode({ids}, {options})", lambda it: it.decode(ids, **options))
    if way < 0.8:
        rows = [ids, row()]
        call = f"batch_decode({rows}, {options})"
        return _draw(world, call, lambda it: it.batch_decode(rows, **options))

    def tokens(tokenizer: Any) -> Any:
        found = tokenizer.convert_ids_to_tokens(ids, options.get("skip_special_tokens", False))
        return found, tokenizer.convert_tokens_to_string([each for each in found if each])

    return _draw(world, f"tokens of {ids}, {options}", tokens)
