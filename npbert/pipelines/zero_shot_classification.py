"""Texts → labels that are chosen when asking, by a model of natural-language inference."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from npbert.arguments import as_list, check_text
from npbert.distilbert.activations import Array
from npbert.distilbert.model import Pack
from npbert.models.outputs import softmax
from npbert.pipelines.base import Job, Options, Pipeline


@dataclass(frozen=True)
class ZeroShotOptions(Options):
    """How to label.  The arguments are described at `ZeroShotClassificationPipeline`."""

    candidate_labels: tuple[str, ...] | None = None
    hypothesis_template: str = "This example is {}."
    multi_label: bool = False

    @property
    def cut(self) -> bool | str:
        """Long texts are cut, but not the hypothesis, unless `long_text` forbids."""
        if self.truncation is None and self.long_text != "error":
            return "only_first"
        return super().cut

    def hypotheses(self) -> list[str]:
        """A sentence for every label.

        Raises
        ------
        ValueError
            If there is no label, or no place for it.
        """
        if not self.candidate_labels:
            raise ValueError(
                "candidate_labels is missing or empty; expected the labels to choose from"
            )
        sentences = [self.hypothesis_template.format(label) for label in self.candidate_labels]
        if sentences[0] == self.hypothesis_template:
            raise ValueError(
                f"hypothesis_template is {self.hypothesis_template!r}, expected a sentence with "
                "{} where the label goes"
            )
        return sentences


class ZeroShotClassificationPipeline(Pipeline):
    """Labels texts with labels of your choice.  Made by `pipeline`; see `Pipeline`.

    Notes
    -----
    Each label makes a hypothesis, such as "This example is sport.", and the model says how
    well the text entails it: Yin et al. 2019, arXiv:1909.00161.
    """

    task = "zero-shot-classification"
    options_class = ZeroShotOptions

    def __init__(self, model: Any, tokenizer: Any, **options: Any) -> None:
        super().__init__(model, tokenizer, **options)
        labels = list(self.model.config.id2label.values())
        entails = [n for n, label in enumerate(labels) if label.lower().startswith("entail")]
        if not entails:
            warnings.warn(
                f"none of the model's labels ({', '.join(labels)}) says 'entailment', so the last "
                "is taken for it; choose a model that was fine-tuned on NLI",
                stacklevel=4,
            )
        self._entailment = entails[0] if entails else len(labels) - 1

    def __call__(self, sequences: Any, *candidate_labels: Any, **options: Any) -> Any:
        """Label texts.

        Parameters
        ----------
        sequences : str, list or iterator
            A text; several of these; or an iterator over them.
        candidate_labels : str or list of str
            The labels to choose from; a str is split at commas.
        hypothesis_template : str, optional
            The sentence that is entailed or not ("This example is {}.").
        multi_label : bool, optional
            Whether each label is true or false on its own; else one of them is true.
        **options
            `truncation`, `max_length`, `long_text`, `batch_size`, `threads`: see `pipeline`.
            A long text is cut, with a warning.

        Returns
        -------
        dict, list or iterator
            For a text ``{"sequence": str, "labels": [str, …], "scores": [float, …]}``, best
            first; for several texts a list of these.

        Raises
        ------
        TypeError
            If an input is no text, or a keyword is unknown.
        ValueError
            If there is no text or no label, or an option cannot be honoured.
        """
        if len(candidate_labels) > 1 or (candidate_labels and "candidate_labels" in options):
            raise TypeError("candidate_labels is given twice; expected one list of labels")
        if candidate_labels:
            options["candidate_labels"] = candidate_labels[0]
        return self._call(sequences, options)

    @staticmethod
    def _plain(options: dict[str, Any]) -> dict[str, Any]:
        labels = options.get("candidate_labels")
        if labels is None:
            return options
        if isinstance(labels, str):
            labels = [label.strip() for label in labels.split(",") if label.strip()]
        items = as_list(labels)
        if items is None:
            raise TypeError(
                f"candidate_labels is a {type(labels).__name__}, expected a list of labels"
            )
        checked = (check_text(label, f"label {number}") for number, label in enumerate(items))
        return {**options, "candidate_labels": tuple(checked)}

    def _check(self, item: Any, number: int, _options: Any) -> str:
        text = check_text(item, f"text {number} (counted from 0)")
        if not text:
            raise ValueError(f"text {number} (counted from 0) is empty, expected words")
        return text

    def _n_characters(self, item: str, options: Any) -> int:
        return len(item) * len(options.candidate_labels or ())

    def _jobs(self, items: list[Any], options: Any, numbers: Sequence[int]) -> list[Job]:
        hypotheses = options.hypotheses()
        pairs = [(item, hypothesis) for item in items for hypothesis in hypotheses]
        encodings = self._encode(pairs, options)
        for number, encoding in enumerate(encodings):
            self._check_length(len(encoding), options, numbers[number // len(hypotheses)])
        jobs = []
        for item, start in zip(items, range(0, len(pairs), len(hypotheses)), strict=True):
            parts = encodings[start : start + len(hypotheses)]
            jobs.append(Job(item, parts, is_cut=any(part.overflowing for part in parts)))
        return jobs

    def _rows(self, pack: Pack) -> list[Array]:
        return list(self.model.forward_pack(pack))  # (labels of the model,) a pair

    def _result(self, job: Job, rows: list[Array], options: Any) -> dict[str, Any]:
        logits = np.stack(rows)  # (candidates, labels of the model)
        labels = options.candidate_labels
        if options.multi_label or len(labels) == 1:
            contradiction = -1 if self._entailment == 0 else 0
            scores = softmax(logits[:, [contradiction, self._entailment]])[:, 1]
        else:
            scores = softmax(logits[:, self._entailment])
        order = scores.argsort()[::-1]
        return {
            "sequence": job.item,
            "labels": [labels[number] for number in order],
            "scores": [float(score) for score in scores[order]],
        }
