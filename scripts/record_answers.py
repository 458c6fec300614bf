"""Record the answers of the last pipeline for question answering in transformers.

    pip install --target OLD 'transformers==4.57.6'
    PYTHONPATH=OLD python scripts/record_answers.py

The script writes tests/data/question_answering.json. transformers 5 has no pipeline for question
answering any more, and npbert's pipeline answers as the one of transformers 4.57.6 did.
PYTHONPATH puts that release before the one of the environment; torch is that of the environment.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.answering import OPTIONS, QUESTIONS, RECORDED, make_answerer

RELEASE = "4.57.6"


def main() -> None:
    """Ask every question with all options, and write the answers."""
    import torch
    import transformers

    if transformers.__version__ != RELEASE:
        raise SystemExit(
            f"transformers {transformers.__version__} is installed, expected {RELEASE}: "
            "see the top of this file for the commands"
        )
    transformers.utils.logging.set_verbosity_error()
    answers = []
    for seed, padding_side in ((0, "right"), (1, "right"), (2, "left")):
        with tempfile.TemporaryDirectory() as folder:
            make_answerer(Path(folder), seed, padding_side)
            answer = transformers.pipeline("question-answering", folder, dtype=torch.float32)
            answers += [
                {
                    "seed": seed,
                    "padding_side": padding_side,
                    "question": number,
                    "options": options,
                    "answer": answer(question=question, context=context, **options),
                }
                for number, (question, context) in enumerate(QUESTIONS)
                for options in (OPTIONS if padding_side == "right" else OPTIONS[:1])
            ]
    versions = {"transformers": RELEASE, "torch": torch.__version__}
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in answers)
    head = json.dumps(versions)
    RECORDED.write_text(f'{{"versions": {head}, "answers": [\n{rows}\n]}}\n', encoding="utf-8")
    print(f"{len(answers)} answers in {RECORDED.name}")


if __name__ == "__main__":
    main()
