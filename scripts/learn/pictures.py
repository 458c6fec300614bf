"""The pictures of the course, drawn from the numbers of the model `mini`.

Every number is computed in float64 by docs/learn/encoder.py, so each machine draws the same bytes.
"""

from __future__ import annotations

import itertools
import math
import re
import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from encoder import MINI, DistilBert, Floats, Ids, gelu, relu, softmax

import npbert
from learn.svg import WIDTH, Picture, Point, Role
from npbert.explanations.drawing import draw

FOLDER: Final = Path(__file__).parents[2] / "docs" / "learn" / "pictures"
SENTENCE: Final = "The plot is thin, but the cast is not bad at all."
LEFT: Final = 16  # the margin of a picture


class Example(NamedTuple):
    """The sentence of the course on its way through the model."""

    tokens: list[str]
    ids: Ids
    states: list[Floats]  # (seq, dim): the embeddings, and the output of each layer


@cache
def model() -> DistilBert:
    """Return the model `mini`, in float64."""
    return DistilBert(MINI)


@cache
def example() -> Example:
    """Send the sentence through the model."""
    inputs = npbert.AutoTokenizer.from_pretrained("mini")(SENTENCE)
    ids = np.array(inputs.input_ids)
    return Example(
        inputs.tokens(), ids, model().hidden_states(model().embed(ids, np.arange(len(ids))))
    )


def head_scores(layer: int, head: int) -> Floats:
    """Return the scores of one head of attention for the sentence (seq, seq), a row per query."""
    name = f"transformer.layer.{layer}.attention"
    x = example().states[layer]
    head_dim = x.shape[1] // model().config["n_heads"]
    own = slice(head * head_dim, (head + 1) * head_dim)
    query = model().linear(f"{name}.q_lin", x)[:, own]
    key = model().linear(f"{name}.k_lin", x)[:, own]
    return np.asarray(query @ key.T / math.sqrt(head_dim))


def leads() -> list[float]:
    """Return POSITIVE minus NEGATIVE, as the head reads it in [CLS] at each stage."""
    pairs = [model().classify(x[0]) for x in example().states]
    return [float(positive - negative) for negative, positive in pairs]


def the_whole_way() -> Picture:
    """Draw the stations of the sentence, with the shape of the array at each."""
    tokens, ids, states = example()
    logits = model().classify(states[-1][0])
    positive = softmax(logits)[1]
    stations = [
        ("A text", f"“{SENTENCE[:26]} …”", "", ""),
        ("Pieces", f"{' '.join(tokens[:6])} …", "16 pieces", "1"),
        ("Numbers of the pieces", f"{' '.join(map(str, ids[:6]))} …", "(16,)", "1"),
        ("Vectors", _row(states[0][0]), "(16, 384)", "2"),
        ("After 4 layers", _row(states[-1][0]), "(16, 384)", "3–5"),
        ("The first vector, [CLS]", _row(states[-1][0]), "(384,)", "6"),
        ("Logits", f"NEGATIVE {_number(logits[0])}   POSITIVE {_number(logits[1])}", "(2,)", "6"),
        ("A label", f"POSITIVE {positive:.4f}", "", "6"),
    ]
    step = 74
    picture = Picture(
        "The way of a text through the model, in eight stations", step * len(stations) + 8
    )
    for number, (name, content, shape, chapter) in enumerate(stations):
        top = 16 + number * step
        picture.box(LEFT, top, WIDTH - 2 * LEFT, 52)
        picture.text(LEFT + 10, top + 20, name, "strong")
        picture.text(LEFT + 10, top + 41, content, "code")
        picture.text(WIDTH - LEFT - 10, top + 20, shape, "quiet", "end")
        if chapter:
            picture.text(WIDTH - LEFT - 10, top + 41, f"chapter {chapter}", "quiet", "end")
        if number:
            picture.line([(WIDTH / 2, top - 20), (WIDTH / 2, top - 2)], "stroke", arrow=True)
    return picture


def _row(vector: Floats) -> str:
    return " ".join(_number(number) for number in vector[:4]) + " …"


def _number(value: float, form: str = ".2f") -> str:
    """Write a number with a true minus sign."""
    return f"{value:{form}}".replace("-", "−")


def pieces() -> Picture:
    """Draw the search for the pieces of a word: the longest beginning that is in the vocabulary."""
    vocabulary = npbert.AutoTokenizer.from_pretrained("mini").get_vocab()
    tries = []
    rest, mark = "hugging", ""
    while rest:
        for length in range(len(rest), 0, -1):
            piece = mark + rest[:length]
            tries.append((piece, vocabulary.get(piece)))
            if piece in vocabulary:
                rest, mark = rest[length:], "##"
                break
    row = 26
    picture = Picture("How the word “hugging” is split into pieces", 62 + row * len(tries))
    picture.text(LEFT, 30, "“hugging”: the longest piece that fits", "strong")
    for number, (piece, found) in enumerate(tries):
        y = 62 + number * row
        if found is not None:
            picture.box(LEFT - 4, y - 17, WIDTH - 2 * LEFT + 8, 24)
        picture.text(LEFT + 4, y, piece, "code" if found is None else "code strong")
        verdict = "is not in the vocabulary" if found is None else f"found: number {found}"
        picture.text(WIDTH - LEFT - 4, y, verdict, "quiet" if found is None else "strong", "end")
    return picture


def directions() -> Picture:
    """Draw the vectors of six words beside that of “good”, each at its true angle."""
    vocabulary = npbert.AutoTokenizer.from_pretrained("mini").get_vocab()
    table = model().weights["embeddings.word_embeddings.weight"]  # (vocab, dim)
    good = table[vocabulary["good"]]
    picture = Picture("The angles between the vector of “good” and those of six other words", 320)
    picture.text(LEFT, 28, "Six words beside “good”", "strong")
    length = 64
    for number, word in enumerate(["excellent", "great", "bad", "terrible", "film", "dog"]):
        other = table[vocabulary[word]]
        cosine = float(good @ other / (np.linalg.norm(good) * np.linalg.norm(other)))
        angle = math.acos(cosine)
        x, y = 28 + 112 * (number % 3), 124 + 138 * (number // 3)
        tip = (x + length * math.cos(angle), y - length * math.sin(angle))
        picture.line([(x, y), (x + length, y)], "for-stroke", arrow=True)
        picture.line([(x, y), tip], "stroke", arrow=True)
        picture.text(x + length, y - 6, "good", "quiet", "end")
        picture.text(x - 4, y + 20, word, "strong")
        picture.text(x - 4, y + 38, f"{math.degrees(angle):.0f}°, cosine {cosine:.2f}", "quiet")
    return picture


def encoder() -> Picture:
    """Draw the encoder as a column of parts, and the running vectors as the line between them."""
    layer = ["attend", "add, then norm", "feed_forward", "add, then norm"]
    picture = Picture("The parts of the encoder, in the order in which they work", 520)
    middle, width = 215, 170

    def part(y: float, name: str) -> None:
        picture.box(middle - width / 2, y, width, 34)
        picture.text(middle, y + 22, name, "code", "middle")

    part(16, "embed")
    picture.text(middle, 66, "one vector per token", "quiet", "middle")
    top = 78
    picture.line([(24, top), (WIDTH - 24, top), (WIDTH - 24, 360), (24, 360), (24, top)], "rule")
    picture.text(36, top + 24, "layer", "strong")
    picture.text(36, top + 44, "4 times", "quiet")
    for number, name in enumerate(layer):
        y = top + 22 + number * 64
        part(y, name)
        if number:
            picture.line([(middle, y - 28), (middle, y - 2)], "stroke", arrow=True)
        if number % 2 == 0:  # the vectors as they came in go round the part
            left = middle - width / 2
            picture.line(
                [(middle, y - 12), (left - 18, y - 12), (left - 18, y + 81), (left - 2, y + 81)],
                "for-stroke",
                arrow=True,
            )
    picture.line([(middle, 50), (middle, 56)], "stroke")
    picture.line([(middle, 72), (middle, top + 20)], "stroke", arrow=True)
    picture.line([(middle, 326), (middle, 374)], "stroke")
    picture.text(middle, 390, "the vector of [CLS] alone", "quiet", "middle")
    picture.line([(middle, 396), (middle, 412)], "stroke", arrow=True)
    part(414, "classify")
    picture.line([(middle, 448), (middle, 464)], "stroke", arrow=True)
    picture.text(middle, 484, "one logit per label", "", "middle")
    picture.text(middle, 506, "blue: what came in is added again", "quiet", "middle")
    return picture


def one_query() -> Picture:
    """Draw how well the query of “bad” matches each key, and what softmax makes of it."""
    tokens = example().tokens
    scores = head_scores(0, 2)[tokens.index("bad")]
    weights = softmax(scores)
    row = 21
    picture = Picture("Layer 0, head 2: what the query of “bad” finds", 74 + row * len(tokens))
    picture.text(LEFT, 28, "Layer 0, head 2: the query of “bad”", "strong")
    picture.text(LEFT, 52, "key of", "quiet")
    picture.text(170, 52, "score", "quiet", "middle")
    picture.text(WIDTH - LEFT, 52, "share", "quiet", "end")
    for number, (token, score, weight) in enumerate(zip(tokens, scores, weights, strict=True)):
        y = 74 + number * row
        picture.text(LEFT, y, token, "code strong" if weight > 0.5 else "code")
        picture.bar(150, y - 10, float(score) * 3.2)
        beside = 150 + (float(score) * 3.2 + 6 if score > 0 else 6)
        picture.text(beside, y, _number(score, ".0f"), "quiet")
        picture.text(WIDTH - LEFT, y, f"{weight:.2f}", "strong" if weight > 0.5 else "quiet", "end")
    return picture


def head_map(layer: int, head: int, says: str) -> Picture:
    """Draw the weights of one head: a row per query, a column per key."""
    tokens = example().tokens
    weights = softmax(head_scores(layer, head))
    cell, left, top = 17, 72, 118
    picture = Picture(f"Layer {layer}, head {head}: {says}", top + cell * len(tokens) + LEFT)
    picture.text(LEFT, 28, f"Layer {layer}, head {head}", "strong")
    picture.text(LEFT, 48, says, "quiet")
    for number, token in enumerate(tokens):
        y = top + number * cell
        picture.text(left - 6, y + 13, token, "code", "end")
        picture.turned_text(left + number * cell + 13, top - 6, token)
        for column in range(len(tokens)):
            x = left + column * cell
            picture.box(x, y, cell - 1, cell - 1, "cell")
            if weights[number, column] >= 0.02:
                picture.box(x, y, cell - 1, cell - 1, "for", opacity=float(weights[number, column]))
    return picture


def bends() -> Picture:
    """Draw GELU and ReLU: two functions that are not straight lines."""
    picture = Picture("GELU and ReLU from −3 to 3", 280)
    x = np.linspace(-3, 3, 61)

    def place(at: float, value: float) -> Point:
        return 180 + 50 * at, 222 - 48 * value

    picture.line([place(-3.2, 0), place(3.2, 0)])
    picture.line([place(0, -0.6), place(0, 3.2)])
    for tick in range(-3, 4):
        picture.text(place(tick, 0)[0], 240, _number(tick, "d"), "quiet", "middle")
    picture.line([place(at, value) for at, value in zip(x, relu(x), strict=True)], "against-stroke")
    picture.line([place(at, value) for at, value in zip(x, gelu(x), strict=True)], "for-stroke")
    picture.text(LEFT, 30, "GELU, smooth", "strong")
    picture.line([(142, 25), (172, 25)], "for-stroke")
    picture.text(LEFT, 54, "ReLU, max(x, 0)", "strong")
    picture.line([(142, 49), (172, 49)], "against-stroke")
    picture.text(LEFT, 266, "Below 0 they are almost flat; above, almost x.", "quiet")
    return picture


def layer_by_layer() -> Picture:
    """Draw by how much POSITIVE leads when the head reads [CLS] after each layer."""
    names = ["embed", "layer 0", "layer 1", "layer 2", "layer 3"]
    row = 34
    picture = Picture("The lead of POSITIVE after each layer", 66 + row * len(names))
    picture.text(LEFT, 28, "Lead of POSITIVE, read after", "strong")
    for number, (name, lead) in enumerate(zip(names, leads(), strict=True)):
        y = 62 + number * row
        picture.text(LEFT, y, name, "code")
        picture.bar(110, y - 11, lead * 100)
        picture.text(116 + max(lead, 0) * 100, y, _number(lead))
    picture.line([(110, 44), (110, 52 + row * len(names))], "rule")
    return picture


def from_lead_to_probability() -> Picture:
    """Draw the probability of POSITIVE against its lead, and the place of the sentence."""
    lead = leads()[-1]
    picture = Picture("The probability of POSITIVE for each lead", 270)

    def place(at: float, value: float) -> Point:
        return 180 + 22 * at, 220 - 160 * value

    def probability(at: float) -> float:
        return 1 / (1 + math.exp(-at))

    picture.text(LEFT, 28, "Probability of POSITIVE", "strong")
    for value in (0, 0.5, 1):
        picture.line([place(-6.4, value), place(6.4, value)])
        picture.text(LEFT + 16, place(0, value)[1] + 4, f"{value:g}", "quiet", "end")
    for tick in (-6, -4, -2, 0, 2, 4, 6):
        picture.text(place(tick, 0)[0], 238, _number(tick, "d"), "quiet", "middle")
    picture.text(180, 258, "logit of POSITIVE − logit of NEGATIVE", "quiet", "middle")
    grid = np.linspace(-6, 6, 61)
    picture.line([place(at, probability(at)) for at in grid], "for-stroke")
    point = place(lead, probability(lead))
    picture.line([place(lead, 0), point], "stroke")
    picture.line([point, place(-6, probability(lead))], "stroke")
    picture.text(place(-5.6, 0)[0], point[1] - 6, f"{probability(lead):.2f}", "strong")
    picture.text(point[0] + 6, 212, f"{lead:.2f}", "strong")
    return picture


def effects() -> Picture:
    """Draw by how much the lead of POSITIVE falls when a word is left out."""
    ids, whole = example().ids, leads()[-1]
    words = example().tokens[1:-1]
    row = 24
    picture = Picture("How far the lead of POSITIVE falls without each word", 66 + row * len(words))
    picture.text(LEFT, 28, "Effect of each word on the lead", "strong")
    for number, word in enumerate(words, start=1):
        negative, positive = model().logits(np.delete(ids, number))
        effect = float(whole - (positive - negative))
        y = 40 + row * number - 4
        picture.text(LEFT, y, word, "code strong" if abs(effect) > 1 else "code")
        picture.bar(150, y - 10, effect * 20)
        picture.text(156 + 20 * max(effect, 0), y, _number(effect, "+.2f"))
    picture.line([(150, 44), (150, 50 + row * len(words))])
    return picture


def terminal() -> Picture:
    """Draw what `npbert explain` prints on a narrow terminal, in its colours."""
    letter, row = 7.8, 18  # of the type of code, with room for the widest of its fonts
    printed = draw(npbert.explain(SENTENCE, "mini"), 41, colours=True).split("\n\ntogether")[0]
    typed = textwrap.wrap(f'"{SENTENCE}"', 36, initial_indent="  ", subsequent_indent="   ")
    lines = ["$ npbert explain --model mini \\", *typed, "", *printed.split("\n")]
    picture = Picture("npbert explain on a terminal", 24 + row * len(lines))
    for number, line in enumerate(lines, start=1):
        role: Role = "code"
        column = 0
        # Each word has a place of its own, so the columns stay apart in every font.
        for blanks, colour, word in re.findall(r"( +)|(\x1b\[\d+m)|([^ \x1b]+)", line):
            if colour:
                role = _TERMINAL_ROLES[colour]
            elif word:
                picture.text(LEFT + letter * column, 10 + row * number, word, role)
            column += len(blanks + word)
    return picture


def pack() -> Picture:
    """Draw three texts with padding, and the same texts in a pack."""
    lengths = [8, 3, 5]
    longest, cell = max(lengths), 26
    picture = Picture("Three texts with padding, and side by side in a pack", 250)
    picture.text(LEFT, 28, "With padding: 24 places for 16 tokens", "strong")
    for row, (length, column) in itertools.product(range(3), enumerate(range(longest))):
        y = 42 + row * (cell + 4)
        real = length < lengths[row]
        _token(picture, LEFT + column * (cell + 2), y, "abc"[row] if real else "")
    picture.text(LEFT, 172, "In a pack: 16 places for 16 tokens", "strong")
    x = float(LEFT)
    for row, length in enumerate(lengths):
        for _ in range(length):
            _token(picture, x, 186, "abc"[row], 18)
            x += 20
        x += 2
    picture.text(LEFT, 234, "starts: 0, 8, 11, 16", "quiet")
    return picture


def _token(picture: Picture, x: float, y: float, name: str, width: float = 26) -> None:
    if name:
        picture.box(x, y, width, 26, "for", opacity={"a": 0.2, "b": 0.4, "c": 0.6}[name])
        picture.text(x + width / 2, y + 18, name, "code", "middle")
    else:
        picture.box(x, y, width, 26)


# Blue speaks for the label, and orange against it; 0 ends both.
_TERMINAL_ROLES: Final[dict[str, Role]] = {
    "\x1b[94m": "code for",
    "\x1b[33m": "code against",
    "\x1b[0m": "code",
}

PICTURES: Final[dict[str, Callable[[], Picture]]] = {
    "the_whole_way": the_whole_way,
    "pieces": pieces,
    "directions": directions,
    "encoder": encoder,
    "one_query": one_query,
    "head_0_2": lambda: head_map(0, 2, "each token looks at the one before it"),
    "head_2_7": lambda: head_map(2, 7, "most tokens after “but” look at “not”"),
    "bends": bends,
    "layer_by_layer": layer_by_layer,
    "from_lead_to_probability": from_lead_to_probability,
    "effects": effects,
    "terminal": terminal,
    "pack": pack,
}
