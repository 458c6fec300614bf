"""From a model's name to its folder.

A name is, in this order: a path to a folder; the name of a bundled model; or an id on the
Hugging Face hub, from which `Repository` fetches what the cache does not have.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypedDict, cast

from npbert.checkpoints.hub import NotAnIdError, Repository
from npbert.checkpoints.safetensors_files import CheckpointError
from npbert.checkpoints.weight_files import (
    ADAPTER,
    ADAPTER_CONFIG,
    PICKLES,
    describe_other_weights,
    names_in,
    shard_names,
    subfolders_with,
    weight_files,
    weight_names,
)
from npbert.messages import enumerate_names, naming

DEFAULT_MODEL: Final = "distilbert/distilbert-base-uncased-finetuned-sst-2-english"
DEFAULT_REVISION: Final = "714eb0fa89d2f80546fda750413ed43d93601a13"
BUNDLED: Final = ("mini",)
CONFIG_FILE: Final = "config.json"
TOKENIZER_FILES: Final = ("tokenizer.json", "vocab.txt")

# The files that are read of a model, except for those of the weights.
MODEL_FILES: Final = (
    CONFIG_FILE,
    *TOKENIZER_FILES,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)

_BUNDLED_FOLDER: Final = Path(__file__).parent
# The last one is not of a model: it tells why there is no config.json.
_SMALL_FILES: Final = (*MODEL_FILES, ADAPTER_CONFIG)
COMMIT: Final = re.compile(r"[0-9a-f]{40}")


class HubOptions(TypedDict, total=False):
    """The options that say where a model comes from, and how its weights are read.

    Their names are those that huggingface_hub and transformers have.

    Attributes
    ----------
    revision : str or None
        A branch, a tag or a commit on the hub. A full commit hash that is in the cache costs no
        request and does not import the client.
    cache_dir : str, Path or None
        The folder of the cache. By default the variables HF_HUB_CACHE and HF_HOME decide.
    local_files_only : bool
        Whether the network is never used, as with HF_HUB_OFFLINE=1.
    token : str, bool or None
        The access token for private and gated models. By default the client looks for one.
    subfolder : str or None
        The folder with the files, inside the model's folder or repository.
    variant : str or None
        The word in the names of the files with the weights: "fp16" for model.fp16.safetensors.
    disable_mmap : bool or None
        Whether the weights are read into memory of this process alone, and not mapped from the
        files. That takes longer, and processes do not share the memory. But a program that writes
        into the files then has no effect on the loaded model.
    """

    revision: str | None
    cache_dir: str | Path | None
    local_files_only: bool
    token: str | bool | None
    subfolder: str | None
    variant: str | None
    disable_mmap: bool | None


HUB_OPTIONS: Final = tuple(HubOptions.__annotations__)


@dataclass(frozen=True)
class ModelSource:
    """A model's name, and all that says where the model comes from.

    Parameters
    ----------
    model : str or Path
        A folder (a Path; a str that is absolute or begins with ``.`` or ``~``; or the name of an
        existing folder that holds a model), a bundled name, or a hub id.
    revision, cache_dir, local_files_only, token, subfolder, variant, disable_mmap
        As in `HubOptions`.

    Raises
    ------
    TypeError
        If `model` is neither a str nor a Path.
    ValueError
        If `subfolder` is not inside the model's folder, or `variant` is not a part of a name.
    """

    model: str | Path
    revision: str | None = None
    cache_dir: str | Path | None = None
    local_files_only: bool = False
    token: str | bool | None = None
    subfolder: str | None = None
    variant: str | None = None
    disable_mmap: bool | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, (str, Path)):
            raise TypeError(
                f"model is a {type(self.model).__name__}, expected a folder, a bundled name "
                f"({', '.join(BUNDLED)}) or a hub id"
            )
        subfolder = self.subfolder or ""
        if not isinstance(subfolder, str) or not _stays_inside(subfolder):
            raise ValueError(
                f"subfolder is {subfolder!r}, expected the name of a folder inside the model's, "
                "such as 'checkpoint-500'"
            )
        variant = self.variant
        if variant is not None and not (
            isinstance(variant, str) and re.fullmatch(r"[\w-]+(\.[\w-]+)*", variant)
        ):
            raise ValueError(
                f"variant is {variant!r}, expected the word in the names of the files, such as "
                "'fp16' for model.fp16.safetensors"
            )

    @property
    def folder_inside(self) -> Path:
        """The relative path from the model's folder to that with the files."""
        return Path(self.subfolder or "")

    def anchored(self) -> ModelSource:
        """Return a source that means the same model in every working directory."""
        path = _in_home(self.model)
        is_folder = _is_path(self.model) or (path / self.folder_inside / CONFIG_FILE).is_file()
        model = str(path.absolute()) if is_folder else str(self.model)
        cache_dir = self.cache_dir
        if cache_dir is not None:
            cache_dir = str(_in_home(cache_dir).absolute())
        return replace(self, model=model, cache_dir=cache_dir)

    def resolve(
        self,
        *,
        weights: bool = True,
        check_config: Callable[[Path], object] | None = None,
        any_of: tuple[str, ...] = (CONFIG_FILE,),
    ) -> Path:
        """Find the model, and download what is missing.

        Parameters
        ----------
        weights : bool
            Whether the weights are needed, or only the config and the tokenizer.
        check_config : callable, optional
            Called with the path of config.json before weights are downloaded. If it raises a
            ValueError, the weights are not downloaded.
        any_of : tuple of str
            The names of files. A folder on this machine must have at least one of them.

        Returns
        -------
        Path
            A folder with the files.

        Raises
        ------
        FileNotFoundError
            If the folder, the repository, its revision or a file in it does not exist.
        PermissionError
            If the repository is gated, or if the token is missing that ``token=True`` asks for.
        ConnectionError
            If the hub cannot be reached and the cache does not have the model.
        ValueError
            If the name cannot be that of a folder or of a repository, if a folder is given
            together with a revision, or if `check_config` raises it.
        """
        name = str(self.model)
        folder = self._local_folder(any_of)
        if folder is not None:
            if self.revision is not None:
                raise ValueError(
                    f"revision is {self.revision!r}, but {name!r} is a folder on this machine, "
                    "which has no revisions; leave out the revision"
                )
            return folder
        if self.revision is not None and COMMIT.fullmatch(self.revision):
            repository = f"models--{name.replace('/', '--')}"
            snapshot = _cache(self.cache_dir) / repository / "snapshots" / self.revision
            cached = snapshot / self.folder_inside
            if _is_complete(cached, weights, self.variant):
                return cached
        try:
            return self._from_hub(weights, check_config, any_of)
        except NotAnIdError as error:
            raise ValueError(
                f"{name!r} is not a folder with {CONFIG_FILE}, is not a bundled model "
                f"({', '.join(BUNDLED)}), and cannot be a hub id; expected 'owner/name'"
            ) from error

    def _from_hub(
        self,
        weights: bool,
        check_config: Callable[[Path], object] | None,
        any_of: tuple[str, ...],
    ) -> Path:
        """Fetch what the cache does not have, and return the folder with the files."""
        repository = Repository(
            str(self.model),
            self.revision,
            folder_inside=self.folder_inside,
            cache_dir=self.cache_dir,
            local_files_only=self.local_files_only,
            token=self.token,
            instead=", or use the bundled model='mini'" if self.model == DEFAULT_MODEL else "",
        )
        with repository.clear_errors(), naming(_cache(self.cache_dir)):
            # The small files come first, so that the weights of a wrong model are not downloaded.
            folder = repository.fetch_small_files(_SMALL_FILES)
            if not _has_any(folder, any_of):
                other = _describe_other_folder(repository.names(), self)
                raise FileNotFoundError(f"{repository.where}: {other}")
            if weights and check_config is not None:
                check_config(folder / CONFIG_FILE)
            if weights and not _has_weights(folder, self.variant):
                self._fetch_weights(repository, folder)
        return folder

    def _fetch_weights(self, repository: Repository, folder: Path) -> None:
        names = repository.names_inside()
        single, index = weight_names(self.variant)
        if single in names:
            repository.fetch([single])
        elif index in names:
            repository.fetch([index], with_bar=False)
            repository.fetch(shard_names(folder / index))
        else:
            hint = ""
            if {*PICKLES} & {*names} and self.folder_inside == Path():
                hint = repository.conversion_hint()
            other = describe_other_weights(names, self.variant)
            raise FileNotFoundError(f"{repository.where}: {hint}{other}")

    def _local_folder(self, any_of: tuple[str, ...]) -> Path | None:
        """Return the folder that the source names on this machine, or None for a hub id."""
        model = self.model
        path = _in_home(model)
        if _has_any(path / self.folder_inside, any_of):
            return path / self.folder_inside
        if not _is_path(model) and not _has_any(path, (*any_of, ADAPTER_CONFIG)):
            if str(model) not in BUNDLED:
                return None
            path = _BUNDLED_FOLDER / str(model)
            if self.folder_inside == Path():
                return path
        if path.is_file():
            raise FileNotFoundError(f"{model} is a file, expected the folder that it is in")
        if not path.is_dir():
            raise FileNotFoundError(f"{model}: no such folder; expected one that has {CONFIG_FILE}")
        inside = self.folder_inside
        names = {*names_in(path), *((inside / name).as_posix() for name in names_in(path / inside))}
        raise FileNotFoundError(f"{model}: {_describe_other_folder(sorted(names), self)}")


def split_hub_options(options: Mapping[str, object]) -> tuple[HubOptions, dict[str, Any]]:
    """Split keyword arguments into those of `HubOptions` and all others."""
    of_hub = {name: value for name, value in options.items() if name in HUB_OPTIONS}
    others = {name: value for name, value in options.items() if name not in HUB_OPTIONS}
    return cast("HubOptions", of_hub), others


def elsewhere(options: HubOptions) -> HubOptions:
    """Return the options for something of another name, without those of the model alone."""
    of_model = ("revision", "subfolder", "variant", "disable_mmap")
    return cast(
        "HubOptions", {name: value for name, value in options.items() if name not in of_model}
    )


def _has_any(folder: Path, names: Iterable[str]) -> bool:
    return any((folder / name).is_file() for name in names)


def _stays_inside(subfolder: str) -> bool:
    path = Path(subfolder)
    return not (path.anchor or ".." in path.parts or "\0" in subfolder)


def _describe_other_folder(names: Iterable[str], source: ModelSource) -> str:
    """Say what is in the folder of a model where no config is, and what to do.

    Parameters
    ----------
    names : iterable of str
        The names of the files in the model's folder and in the folders in it.
    source : ModelSource
    """
    names = list(names)
    inside = source.folder_inside.as_posix()
    here = [name for name in names if name.rpartition("/")[0] == inside.removeprefix(".")]
    others = subfolders_with(names, CONFIG_FILE, *TOKENIZER_FILES)
    if any(name.rpartition("/")[2] == ADAPTER_CONFIG for name in here):
        return ADAPTER
    if source.subfolder:
        place = f"the subfolder {inside!r}"
        if not any(name.startswith(f"{inside}/") for name in names):
            return f"there is no subfolder {inside!r}" + (
                f"; those with a {CONFIG_FILE} or a tokenizer are: {enumerate_names(others)}"
                if others
                else "; leave the subfolder out"
            )
    else:
        place = "the folder"
    hint = f", or pass subfolder={others[0]!r}" if others else ""
    return (
        f"{place} has no {CONFIG_FILE}; expected a model's folder, as save_pretrained writes it"
        + hint
    )


def _is_path(model: str | Path) -> bool:
    """Tell whether a name can only be the name of a folder."""
    return isinstance(model, Path) or Path(model).is_absolute() or model.startswith((".", "~"))


def _cache(cache_dir: str | Path | None) -> Path:
    """Return the hub's cache folder, by the rules of huggingface_hub, without importing it."""
    if cache_dir is not None:
        return _in_home(cache_dir)
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(variable):
            return _expanded(os.environ[variable])
    if os.environ.get("HF_HOME"):
        return _expanded(os.environ["HF_HOME"]) / "hub"
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return _expanded(caches) / "huggingface" / "hub"


def _expanded(path: str) -> Path:
    return Path(os.path.expandvars(os.path.expanduser(path)))


def _in_home(path: str | Path) -> Path:
    """Return a path with the home folder in place of "~"; without such a folder, as it is.

    pathlib has a method for it, which raises an error of its own if there is no such user.
    """
    return Path(os.path.expanduser(path))


def _is_complete(folder: Path, weights: bool, variant: str | None) -> bool:
    """Tell whether a cached snapshot surely has every file that npbert needs.

    A snapshot without tokenizer_config.json may come from a download that broke off, or from a
    repository that does not have this file. The client can tell the two apart.
    """
    names = (CONFIG_FILE, "tokenizer_config.json")
    if not all((folder / name).is_file() for name in names):
        return False
    if not _has_any(folder, TOKENIZER_FILES):
        return False
    return not weights or _has_weights(folder, variant)


def _has_weights(folder: Path, variant: str | None) -> bool:
    try:
        return bool(weight_files(folder, variant))
    except CheckpointError:
        return False
