"""The yardstick of the tests: docs/learn/encoder.py, for batches with padding.

The encoder that the course reads from top to bottom is the standard of truth. It shares no code
with npbert, computes in float64, and wherever there is a choice it chooses otherwise: the rows of
a matrix are tokens, every layer computes every position, and the error function comes from the
standard library. It reads one text at a time. Here a batch is read row by row, and the tokens that
the mask hides are left out: that nobody sees them is what hiding means.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from encoder import DistilBert, Floats, Ids

Float64 = Floats


class Reference:
    """The model in a folder, computed in float64 from weights in float32 or float16."""

    def __init__(self, folder: Path) -> None:
        self.model = DistilBert(folder)

    def hidden(self, input_ids: Ids, mask: Ids) -> Float64:
        """Return the last hidden state (batch, seq, dim), with zeros where the mask is 0."""
        last = np.zeros((*input_ids.shape, self.model.config["dim"]))
        for row, ids, seen in zip(last, input_ids, mask == 1, strict=True):
            x = self.model.embed(ids[seen], np.flatnonzero(seen))
            row[seen] = self.model.hidden_states(x)[-1]
        return last

    def logits(self, input_ids: Ids, mask: Ids) -> Float64:
        """Return the logits of the sequence classifier (batch, labels)."""
        return self.model.classify(self.hidden(input_ids, mask)[:, 0])
