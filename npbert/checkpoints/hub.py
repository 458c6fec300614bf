"""Model name → local folder.  The only module that may touch the network.

A name is, in this order: a path to a folder; the name of a bundled model; an id on the
Hugging Face hub, whose files go through the cache that all users of huggingface_hub share.
The client is imported only when it is needed: its import takes longer than all the others.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from npbert.safetensors_files import CheckpointError, weight_files

DEFAULT_MODEL: Final = "distilbert/distilbert-base-uncased-finetuned-sst-2-english"
DEFAULT_REVISION: Final = "714eb0fa89d2f80546fda750413ed43d93601a13"
BUNDLED: Final = ("mini",)
LOADING_NAMES: Final = ("revision", "cache_dir", "local_files_only", "token")  # of `resolve`
CONFIG_FILE: Final = "config.json"
TOKENIZER_FILES: Final = ("tokenizer.json", "vocab.txt")

_BUNDLED_FOLDER: Final = Path(__file__).parent / "models"
_SMALL_FILES: Final = [
    CONFIG_FILE,
    *TOKENIZER_FILES,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
]
_WEIGHT_FILES: Final = [
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*-of-*.safetensors",
]
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


def resolve(
    model: str | Path,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    token: str | bool | None = None,
    weights: bool = True,
    check_config: Callable[[Path], object] | None = None,
    any_of: tuple[str, ...] = (CONFIG_FILE,),
) -> Path:
    """Find a model, downloading what is missing.

    Parameters
    ----------
    model : str or Path
        A folder (a Path; a str that is absolute or begins with ``.`` or ``~``; or the name
        of an existing folder with one of the files `any_of`), a bundled name, or a hub id.
    revision : str, optional
        Branch, tag or commit on the hub.  A full commit hash that is in the cache costs no
        request and does not import the client.
    cache_dir : str or Path, optional
        Instead of the hub's cache, which HF_HUB_CACHE and HF_HOME place.
    local_files_only : bool
        Never use the network, as with HF_HUB_OFFLINE=1.
    token : str or bool, optional
        Access token for private and gated models; by default the one the client finds.
    weights : bool
        Whether the weights are needed, or only config and tokenizer.
    check_config : callable, optional
        Called with the path of config.json before weights are downloaded; its ValueError
        saves the download of a model that cannot be used.
    any_of : tuple of str
        Files of which a folder on this machine has at least one; config.json by default.

    Returns
    -------
    Path
        A folder with the files.

    Raises
    ------
    FileNotFoundError
        If the folder, the repository, its revision or a file in it does not exist.
    PermissionError
        If the repository is gated.
    ConnectionError
        If the hub cannot be reached and the cache does not have the model.
    TypeError
        If `model` is neither a str nor a Path.
    ValueError
        If the name can be neither a folder's nor a repository's, or the repository's config
        cannot be honoured.
    """
    if not isinstance(model, (str, Path)):
        raise TypeError(
            f"model is a {type(model).__name__}, expected a folder, a bundled name "
            f"({', '.join(BUNDLED)}) or a hub id"
        )
    name = str(model)
    folder = _local_folder(model, any_of)
    if folder is not None:
        if revision is not None:
            raise ValueError(
                f"revision is {revision!r}, but {name!r} is a folder on this machine, which has "
                "no revisions; leave it out"
            )
        return folder
    if revision is not None and _COMMIT.fullmatch(revision):
        snapshot = _cache(cache_dir) / f"models--{name.replace('/', '--')}" / "snapshots" / revision
        if _is_complete(snapshot, weights):
            return snapshot
    return _from_hub(name, revision, cache_dir, local_files_only, token, weights, check_config)


def _local_folder(model: str | Path, any_of: tuple[str, ...]) -> Path | None:
    """The folder that `model` names on this machine, or None for a hub id."""
    path = Path(model).expanduser()
    if any((path / name).is_file() for name in any_of):
        return path
    if _is_path(model):
        if not path.is_dir():
            raise FileNotFoundError(f"{model}: no such folder; expected one with a {CONFIG_FILE}")
        raise FileNotFoundError(
            f"{model}: the folder has no {CONFIG_FILE}; expected a model's folder, as "
            "save_pretrained writes it"
        )
    return _BUNDLED_FOLDER / str(model) if str(model) in BUNDLED else None


def absolute(model: str | Path) -> str:
    """A model's name that means the same in other working directories."""
    path = Path(model).expanduser()
    is_folder = _is_path(model) or (path / CONFIG_FILE).is_file()
    return str(path.absolute()) if is_folder else str(model)


def _is_path(model: str | Path) -> bool:
    """Whether a name can only be that of a folder."""
    return isinstance(model, Path) or Path(model).is_absolute() or model.startswith((".", "~"))


def _cache(cache_dir: str | Path | None) -> Path:
    """The hub's cache folder, by the rules of huggingface_hub, without importing it."""
    if cache_dir is not None:
        return Path(cache_dir).expanduser()
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(variable):
            return _expanded(os.environ[variable])
    if os.environ.get("HF_HOME"):
        return _expanded(os.environ["HF_HOME"]) / "hub"
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return _expanded(caches) / "huggingface" / "hub"


def _expanded(path: str) -> Path:
    return Path(os.path.expandvars(os.path.expanduser(path)))


def _is_complete(folder: Path, weights: bool) -> bool:
    """Whether a cached snapshot surely has every file that its repository has for us.

    Without tokenizer_config.json it may be a download that broke off, or a repository that
    has none: the client knows.
    """
    names = (CONFIG_FILE, "tokenizer_config.json")
    if not all((folder / name).is_file() for name in names):
        return False
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        return False
    return not weights or _has_weights(folder)


def _has_weights(folder: Path) -> bool:
    try:
        return bool(weight_files(folder))
    except CheckpointError:
        return False


def _from_hub(
    repo: str,
    revision: str | None,
    cache_dir: str | Path | None,
    local_files_only: bool,
    token: str | bool | None,
    weights: bool,
    check_config: Callable[[Path], object] | None,
) -> Path:
    """The folder of a cached or downloaded snapshot, by the client of the hub."""
    from huggingface_hub import constants, snapshot_download

    def fetch(patterns: list[str], revision: str | None) -> Path:
        folder = snapshot_download(
            repo,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            token=token,
            allow_patterns=patterns,
        )
        return Path(folder)

    where = f"{repo!r} on {constants.ENDPOINT}"
    with _clear_errors(where, repo, revision, local_files_only):
        # The small files first, so that a wrong model costs no download of its weights; and
        # the weights from the same commit, even if somebody pushes in between.
        folder = fetch(_SMALL_FILES, revision)
        if not (folder / CONFIG_FILE).is_file():
            raise FileNotFoundError(f"{where} has no {CONFIG_FILE}; is it a transformers model?")
        if weights:
            if check_config is not None:
                check_config(folder / CONFIG_FILE)
            folder = fetch(_WEIGHT_FILES, folder.name)
    if weights and not _has_weights(folder):
        if local_files_only or constants.HF_HUB_OFFLINE:
            raise ConnectionError(_not_cached(repo, revision, local_files_only, None))
        raise FileNotFoundError(
            f"{where} has no safetensors weights at revision {revision or 'main'!r}, and npbert "
            "never opens pickles; look for a revision that has them (often 'refs/pr/1'), or "
            "convert it where transformers is installed: from_pretrained, then save_pretrained"
        )
    return folder


@contextmanager
def _clear_errors(
    where: str, repo: str, revision: str | None, local_files_only: bool
) -> Iterator[None]:
    """Turn the client's errors into those of `resolve`, each with its next step."""
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        GatedRepoError,
        HFValidationError,
        HTTPError,  # of httpx or httpx2, whichever the client uses
        LocalEntryNotFoundError,
        LocalTokenNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise PermissionError(
            f"{where} is gated: accept its terms on its page, then pass token=… or set HF_TOKEN"
        ) from error
    except RepositoryNotFoundError as error:
        raise FileNotFoundError(
            f"there is no {where}, or it is private; check the spelling, pass token=… or set "
            "HF_TOKEN for a private one, and begin a folder's name with './'"
        ) from error
    except RevisionNotFoundError as error:
        raise FileNotFoundError(
            f"{where} has no revision {revision!r}; expected a branch, a tag or a full commit hash"
        ) from error
    except HFValidationError as error:
        raise ValueError(
            f"{repo!r} is no folder with a {CONFIG_FILE}, no bundled model "
            f"({', '.join(BUNDLED)}), and cannot be a hub id; expected 'owner/name'"
        ) from error
    except LocalTokenNotFoundError as error:
        raise PermissionError(
            f"{where}: token=True, but no token is stored; set HF_TOKEN or pass the token itself"
        ) from error
    except LocalEntryNotFoundError as error:
        raise ConnectionError(_not_cached(repo, revision, local_files_only, error)) from error
    except json.JSONDecodeError as error:
        raise ConnectionError(
            f"{where} could not be fetched: what came is no answer of the hub; is there a proxy "
            f"or a login page in between? Check the connection and HF_ENDPOINT{_or_mini(repo)}"
        ) from error
    except (HTTPError, RuntimeError) as error:  # RuntimeError: of the client's own transfer library
        raise ConnectionError(
            f"{where} could not be fetched: {_first_line(error)}; try again (files that have "
            f"arrived are kept), check the connection and HF_ENDPOINT{_or_mini(repo)}"
        ) from error


def _not_cached(
    repo: str, revision: str | None, local_files_only: bool, error: BaseException | None
) -> str:
    from huggingface_hub import constants

    version = f" at revision {revision}" if revision else ""
    if local_files_only:
        reason = "local_files_only=True forbids the network"
    elif constants.HF_HUB_OFFLINE or error is None:
        reason = "HF_HUB_OFFLINE forbids the network"
    else:
        reason = f"the hub did not answer ({_first_line(error.__cause__ or error)})"
    return (
        f"{repo!r}{version} is not in the cache, and {reason}. Fill the cache where there is a "
        f"network (`hf download {repo}{f' --revision {revision}' if revision else ''}`, then copy "
        f"the folder that HF_HOME names), or give a model's folder{_or_mini(repo)}"
    )


def _or_mini(repo: str) -> str:
    return ", or use the bundled model='mini'" if repo == DEFAULT_MODEL else ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
