"""The model, the tokenizer and the config that a pipeline is made of: only those of npbert fit."""

from __future__ import annotations

from typing import Final

# The packages whose models, tokenizers and configs ported code may still have.
_OTHER_PACKAGES: Final = ("transformers", "tokenizers", "peft", "sentence_transformers", "torch")
_INSTEAD: Final = {
    "config": "give its name, or npbert.DistilBertConfig.from_dict(config.to_dict())",
}
_SAVE_IT: Final = "give its name{name}, or save it with save_pretrained(folder) and give the folder"


def reject_other_packages(role: str, value: object) -> None:
    """Raise a TypeError if a model, tokenizer or config is that of another package.

    No other package is imported: the modules of its classes tell it.

    Parameters
    ----------
    role : "model", "tokenizer" or "config"
    value : object

    Raises
    ------
    TypeError
        If `value` is an object of transformers or of a package around it.
    """
    packages = [cls.__module__.partition(".")[0] for cls in type(value).__mro__]
    for package in _OTHER_PACKAGES:
        if package in packages:
            path = getattr(value, "name_or_path", None)
            named = f" ({path!r})" if isinstance(path, str) and path else ""
            raise TypeError(
                f"{role} is a {type(value).__name__} of {package}, expected one of npbert; "
                + _INSTEAD.get(role, _SAVE_IT).format(name=named)
            )


def require_own(role: str, value: object, kind: type) -> None:
    """Raise a TypeError if a part of a pipeline is not of npbert's class.

    Parameters
    ----------
    role : "model" or "tokenizer"
    value : object
    kind : type
        The class that it must be of.

    Raises
    ------
    TypeError
        If `value` is anything else, such as a name.
    """
    reject_other_packages(role, value)
    if not isinstance(value, kind):
        raise TypeError(
            f"{role} is a {type(value).__name__}, expected a loaded {role}; npbert.pipeline(…) "
            "takes a name and loads it"
        )
