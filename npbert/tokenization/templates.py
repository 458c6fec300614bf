"""The post-processor of a tokenizer.json: the special tokens that it puts around a text."""

from __future__ import annotations

from pathlib import Path

import tokenizers

from npbert.messages import shown
from npbert.tokenization.costly_parts import parts_of


def refuse_unknown_tokens(backend: tokenizers.Tokenizer, path: Path) -> None:
    """Raise a ValueError if a template has a special token of which it does not say the id.

    The tokenizers library would panic over the first text.

    Parameters
    ----------
    backend : tokenizers.Tokenizer
    path : Path
        The tokenizer.json, for the error message.
    """
    for part in parts_of(backend.post_processor):
        for form in ("single", "pair"):
            tokens = [piece.get("SpecialToken", {}).get("id") for piece in part.get(form, ())]
            unknown = {*tokens} - {None, *part.get("special_tokens", ())}
            if unknown:
                raise ValueError(
                    f"{path}: the template of the post_processor has {shown(min(unknown))} for a "
                    f"{form}, which is not among its special_tokens; choose another tokenizer"
                )
