"""The rows of a table are labelled chunk by chunk: what `npbert classify` does with a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from npbert.arguments import NOT_GIVEN, repeated_names
from npbert.messages import shown, with_noun
from npbert.tables.resumable import ResumableFile
from npbert.tables.rows import Chunk, Column, Serializer, Table

if TYPE_CHECKING:
    from npbert.pipelines.results import LabelScore
    from npbert.pipelines.text_classification import (
        TextClassificationOptions,
        TextClassificationPipeline,
    )

_MODEL_FILES: Final = (".json", ".txt", ".safetensors")


@dataclass
class Counts:
    """The counts of what has been labelled.

    Attributes
    ----------
    rows : int
        The number of rows.
    nulls : int
        The number of rows without a text, which have no label.
    truncated : int
        The number of texts of which the model read only the beginning.
    windowed, windows : int
        The number of texts that the model read in windows, and the number of these windows.
    tokens : int
        The number of tokens that the model read.
    skipped : int
        The number of bad rows, which `rows` does not count.
    """

    rows: int = 0
    nulls: int = 0
    truncated: int = 0
    windowed: int = 0
    windows: int = 0
    tokens: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            **{
                field.name: getattr(self, field.name) + getattr(other, field.name)
                for field in fields(Counts)
            }
        )


class Labeller:
    r"""Makes the columns of labels and scores for the rows of a table, and counts.

    Parameters
    ----------
    classifier : TextClassificationPipeline
    prefix : str
        The beginning of the names of the added columns.
    options : TextClassificationOptions
        The options of the classifier's calls. If `top_k` is given, a column of scores is added
        for every label. In it, a text has a score if the label is among its best `top_k`.
    null_words : collection of str
        Texts that stand for no text, such as the ``\N`` of some databases.

    Attributes
    ----------
    column_names : list of str
        The names of the added columns.
    counts : Counts

    Raises
    ------
    ValueError
        If `top_k` is given and two labels have the same name, so that their columns would, too.
    """

    def __init__(
        self,
        classifier: TextClassificationPipeline,
        prefix: str,
        options: TextClassificationOptions,
        null_words: Collection[str] = (),
    ) -> None:
        self._classifier = classifier
        self._null_words = frozenset(null_words)
        labels: list[str] = []
        if options.top_k is NOT_GIVEN:
            options = replace(options, top_k=1)
        else:
            labels = [str(label) for label in classifier.model.config.id2label.values()]
        self._options = options
        if repeated := repeated_names(labels):
            raise ValueError(
                f"the model has more than one label {shown(repeated[0])}, so there cannot be a "
                "column for each; rename them in its config.json, or leave out top_k"
            )
        self._score_names = {label: f"{prefix}score_{label}" for label in labels}
        self._label_name, self._score_name = f"{prefix}label", f"{prefix}score"
        self.column_names = [self._label_name, self._score_name, *self._score_names.values()]
        self.counts = Counts()

    def reject_taken_names(self, columns: list[str], name: str) -> None:
        """Raise a ValueError if a table already has a column with the name of an added column.

        Parameters
        ----------
        columns : list of str
            The names of the table's columns.
        name : str
            What the error message calls the table.
        """
        for taken in [added for added in self.column_names if added in columns]:
            raise ValueError(
                f"{name} has a column {shown(taken)} already; choose a prefix for the columns that "
                "are added (--prefix)"
            )

    def restore_counts(self, state: Mapping[str, Any]) -> None:
        """Set the counts to those of a checkpoint of `label_into`, to go on counting from there."""
        self.counts = Counts(**{field.name: state.get(field.name, 0) for field in fields(Counts)})

    def label_rows(self, chunk: Chunk) -> list[list[LabelScore] | None]:
        """Return the labels and scores of each row, best first; None for a row without a text.

        The rule is the same for all formats: a null, an empty or a blank text, and a null word are
        no text.
        """
        indices = [
            index
            for index, text in enumerate(chunk.texts)
            if text is not None and text.strip() and text not in self._null_words
        ]
        outcomes = self._classifier.outcomes(
            [chunk.texts[index] for index in indices],
            [chunk.start + index for index in indices],
            self._options,
        )
        counts = self.counts
        counts.rows += len(chunk.texts)
        counts.skipped += len(chunk.skipped)
        counts.nulls += len(chunk.texts) - len(outcomes)
        counts.truncated += sum(outcome.is_cut for outcome in outcomes)
        counts.windowed += sum(outcome.n_parts > 1 for outcome in outcomes)
        counts.windows += sum(outcome.n_parts for outcome in outcomes if outcome.n_parts > 1)
        counts.tokens += sum(outcome.n_tokens for outcome in outcomes)
        results: list[list[LabelScore] | None] = [None] * len(chunk.texts)
        for index, outcome in zip(indices, outcomes, strict=True):
            results[index] = cast("list[LabelScore]", outcome.result)  # `top_k` is given
        return results

    def added_columns(self, chunk: Chunk) -> list[Column]:
        """Label the rows of a chunk, and return the columns to add to them.

        Raises
        ------
        TypeError, ValueError
            If a row already has one of these columns, or if the classifier cannot label a text.
        """
        for number, row in enumerate(chunk.rows, chunk.start):
            if not row.keys().isdisjoint(self.column_names):
                self.reject_taken_names(list(row), f"row {number} (counted from 0)")
        return self.columns_from(self.label_rows(chunk))

    def columns_from(self, results: list[list[LabelScore] | None]) -> list[Column]:
        """Return the columns to add to rows whose labels `label_rows` returned.

        The column of labels is one of strings, also if the labels of the model are numbers.
        """
        best = [found[0] if found else None for found in results]
        scores = [
            {str(result["label"]): result["score"] for result in found or ()} for found in results
        ]
        return [
            Column(self._label_name, str, [result and str(result["label"]) for result in best]),
            Column(self._score_name, float, [result and result["score"] for result in best]),
            *(
                Column(name, float, [of_row.get(label) for of_row in scores])
                for label, name in self._score_names.items()
            ),
        ]


def model_digest(classifier: TextClassificationPipeline) -> str:
    """Return the SHA-256 of the files of a classifier; it is equal if two models are the same."""
    classifier.model.files.require_in_place()
    folder = Path(classifier.tokenizer.name_or_path)
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in _MODEL_FILES and path.is_file():  # and not a FIFO or a device
            digest.update(path.name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def label_into(
    output: ResumableFile, table: Table, labeller: Labeller, serializer: Serializer, name: str
) -> Iterator[None]:
    """Label the rows of a table that an output file does not have yet, and write them to it.

    If the file already has all rows, they are only compared with those of the table.

    Parameters
    ----------
    output : ResumableFile
        The output file, which has begun. An earlier run may have written its first rows.
    table : Table
        The table, from its first row on.
    labeller : Labeller
        The labeller, with the counts of the earlier run.
    serializer : Serializer
    name : str
        What error messages call the table.

    Yields
    ------
    None
        Once after the rows of the earlier run have been read, and once after every chunk.

    Raises
    ------
    TypeError, ValueError
        If the table no longer begins with the rows that the earlier run labelled, or as
        `Labeller.added_columns` and the serializer do.
    """
    content = hashlib.sha256()  # of all rows that are labelled
    chunks = iter(table.chunks)
    n_done = output.state["rows"] + output.state.get("skipped", 0)
    if not n_done:
        output.write(serializer.header, {"rows": 0})
    else:
        n_more = _skip_rows(chunks, n_done, content)
        advice = "bring it back, or start over: --force without --resume"
        if content.hexdigest() != output.state["content"]:
            raise ValueError(
                f"{name} has changed within the {with_noun(n_done, 'row')} that had been labelled "
                f"into {output.folder}; {advice}"
            )
        if n_more or (output.is_whole and next(chunks, None)):
            raise ValueError(
                f"{name} has more rows now than the {with_noun(n_done, 'row')} that it had when it "
                f"was labelled into {output.folder}; {advice}"
            )
    yield
    for chunk in chunks:
        _hash_rows(chunk, content)
        added = labeller.added_columns(chunk)
        state = {**asdict(labeller.counts), "content": content.hexdigest()}
        output.write(serializer.serialize(chunk, added), state, _serialize_skipped(chunk))
        yield


def _skip_rows(chunks: Iterator[Chunk], n_rows: int, content: hashlib._Hash) -> int:
    """Read the first `n_rows` rows, or fewer if the table ends before, and hash them.

    Returns
    -------
    int
        The number of rows that follow them in the last chunk that was read. The earlier run
        stopped at the end of a chunk, and chunks end at the same rows in every run. So this is 0,
        unless that chunk was the last one of the table, and rows have been added to the table.
    """
    while n_rows > 0:
        chunk = next(chunks, None)
        if chunk is None:
            return 0
        n_in_chunk = len(chunk.rows) + len(chunk.skipped)
        if n_in_chunk <= n_rows:
            _hash_rows(chunk, content)
        else:  # the rows before the end of the earlier run, if none of the chunk is bad
            _hash_rows(chunk._replace(rows=chunk.rows[:n_rows]), content)
        n_rows -= n_in_chunk
    return -n_rows


def _hash_rows(chunk: Chunk, content: hashlib._Hash) -> None:
    for row in chunk.rows:
        content.update(repr(row).encode())
    for bad in chunk.skipped:
        content.update(repr((bad.problem, bad.content)).encode())


def _serialize_skipped(chunk: Chunk) -> bytes:
    """Return a JSON line for each bad row."""
    return b"".join(json.dumps(bad._asdict()).encode() + b"\n" for bad in chunk.skipped)
