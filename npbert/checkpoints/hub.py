"""A repository on the Hugging Face hub. This is the only module that may touch the network.

Files from the hub are kept in the cache that all users of huggingface_hub share. The hub's client
is imported only when it is needed, because its import takes longer than all others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from npbert.checkpoints.hub_errors import (
    Download,
    clear_errors,
    not_cached,
    time_limits,
    without_bars,
    without_notices,
)

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

_TOO_MANY: Final = 429  # the status where there were too many requests
_SERVER_ERRORS: Final = 500  # the lowest status of them
_CONVERSION_TITLE: Final = "Adding `safetensors` variant of this model"
_CONVERSION_AUTHOR: Final = "SFconvertbot"


class NotAnIdError(ValueError):
    """A name that no repository on the hub can have."""


class Repository:
    """The repository of a model on the hub, at one commit.

    Everything is fetched from one commit, even if somebody pushes to the repository in between;
    and one file after the other, on the thread of the caller. For other threads, Ctrl-C would have
    to wait.

    Parameters
    ----------
    name : str
        Its id, as in "owner/name".
    revision : str or None
        A branch, a tag or a commit; None is the branch "main".
    folder_inside : Path
        The relative path of the folder with the files, in the repository.
    cache_dir, local_files_only, token
        As in `HubOptions`.
    instead : str
        What the user can do if something cannot be fetched, as the end of a sentence.

    Raises
    ------
    NotAnIdError
        If the name is not one that a repository can have.
    """

    def __init__(
        self,
        name: str,
        revision: str | None,
        *,
        folder_inside: Path,
        cache_dir: str | Path | None,
        local_files_only: bool,
        token: str | bool | None,
        instead: str,
    ) -> None:
        _require_hub_id(name)
        self._name = name
        self._inside = folder_inside
        self._cache_dir = cache_dir
        self._token = token
        self._download = Download(name, revision, local_files_only, instead)
        self._info: ModelInfo | None = None  # what the hub says of the commit
        self._commit = ""  # known when the small files are fetched
        with self.clear_errors():
            self._ask()

    @property
    def where(self) -> str:
        """The words that name the repository in error messages."""
        return self._download.where

    def clear_errors(self) -> AbstractContextManager[None]:
        """Turn the client's errors into those of `ModelSource.resolve`, each with its next step."""
        return clear_errors(self._download)

    def fetch_small_files(self, names: Collection[str]) -> Path:
        """Fetch those files that the repository has, and return the folder with the files.

        It also decides the commit from which all other files come.

        Parameters
        ----------
        names : collection of str
            The names of files in the folder inside the repository.
        """
        from glob import escape

        from huggingface_hub import snapshot_download

        may_ask = self._download.may_ask
        patterns = [escape((self._inside / name).as_posix()) for name in names]
        with without_notices(), without_bars(), time_limits():
            snapshot = snapshot_download(
                self._name,
                revision=self._download.revision,
                cache_dir=self._cache_dir,
                local_files_only=not may_ask,
                token=self._token,
                # Without a network, the client looks whether all of these are in the cache. With
                # one, it notes the commit of the branch there, and fetches nothing yet.
                allow_patterns=[] if may_ask else patterns,
            )
        self._commit = Path(snapshot).name
        if may_ask:
            there = {*self.names_inside()}
            self.fetch([name for name in names if name in there], with_bar=False)
        return Path(snapshot) / self._inside

    def fetch(self, names: Iterable[str], *, with_bar: bool = True) -> None:
        """Fetch files that the folder inside the repository has, unless the cache has them."""
        from huggingface_hub import hf_hub_download

        with without_notices(), nullcontext() if with_bar else without_bars():
            for name in names:
                hf_hub_download(
                    self._name,
                    (self._inside / name).as_posix(),
                    revision=self._commit,
                    cache_dir=self._cache_dir,
                    token=self._token,
                )

    def names(self) -> list[str]:
        """Return the paths of all files of the commit.

        Raises
        ------
        ConnectionError
            If the hub may not be asked, or does not answer.
        """
        if not self._download.may_ask:
            raise ConnectionError(not_cached(self._download))
        if self._info is None or self._info.sha != self._commit:  # somebody has pushed
            self._info = self._model_info(self._commit)
        return [file.rfilename for file in self._info.siblings or ()]

    def names_inside(self) -> list[str]:
        """Return the paths of the files within the folder inside the repository."""
        paths = [Path(name) for name in self.names()]
        return [
            path.relative_to(self._inside).as_posix()
            for path in paths
            if path.is_relative_to(self._inside)
        ]

    def conversion_hint(self) -> str:
        """Return what to do if the hub itself has converted the pickle of a repository."""
        if self._download.revision not in (None, "main"):
            return ""
        with without_notices(), time_limits():
            revision = self._find_conversion()
        if revision is None:
            return ""
        return f"pass revision={revision!r}, the hub's own conversion to safetensors; at 'main' "

    def _ask(self) -> None:
        """Ask the hub once for the commit, and note the error if it does not answer.

        The client itself asks six times, and waits up to 8 seconds before each further time. Its
        first request has no time limit. What the answer says does not matter here, unless it is to
        try again later.
        """
        from huggingface_hub import constants
        from huggingface_hub.errors import (  # type: ignore[attr-defined]
            HfHubHTTPError,
            HTTPError,  # pyright: ignore[reportPrivateImportUsage] - as in hub_errors
        )

        if not self._download.may_ask:
            return
        no_answer: Exception | None = None
        try:
            self._info = self._model_info(self._download.revision or constants.DEFAULT_REVISION)
        except HfHubHTTPError as error:
            status = error.response.status_code
            no_answer = error if status == _TOO_MANY or status >= _SERVER_ERRORS else None
        except HTTPError as error:
            no_answer = error
        self._download = self._download._replace(no_answer=no_answer)

    def _model_info(self, revision: str) -> ModelInfo:
        from huggingface_hub import HfApi, constants

        return HfApi(token=self._token).model_info(
            self._name, revision=revision, timeout=constants.HF_HUB_ETAG_TIMEOUT
        )

    def _find_conversion(self) -> str | None:
        """Return the revision at which the hub's bot has converted the newest commit, if any.

        The rule is that of transformers: an open pull request with the title and the author of the
        bot, whose last commit follows the last commit of main.
        """
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

        api = HfApi(token=self._token)
        try:
            newest = api.list_repo_commits(self._name)[0].commit_id
            for request in api.get_repo_discussions(self._name, author=_CONVERSION_AUTHOR):
                revision = request.git_reference
                if (
                    request.title == _CONVERSION_TITLE
                    and request.author == _CONVERSION_AUTHOR
                    and request.status == "open"
                    and revision is not None
                ):
                    commits = api.list_repo_commits(self._name, revision=revision)
                    if newest in [commit.commit_id for commit in commits[1:2]]:
                        return revision
        except (HTTPError, ValueError, LookupError):
            pass  # a mirror of the hub may not have pull requests
        return None


def _require_hub_id(name: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise NotAnIdError(str(error)) from error
