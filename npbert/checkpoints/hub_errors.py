"""The errors and notices of the hub's client, in the words of npbert."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Download(NamedTuple):
    """What is fetched from the hub, for error messages.

    Attributes
    ----------
    repo : str
    revision : str or None
    local_files_only : bool
    instead : str
        What the user can do if it cannot be fetched, as the end of a sentence; empty if there is
        nothing more to say.
    """

    repo: str
    revision: str | None
    local_files_only: bool
    instead: str

    @property
    def where(self) -> str:
        """The words that name the repository in error messages."""
        from huggingface_hub import constants

        return f"{self.repo!r} on {constants.ENDPOINT}"


@contextmanager
def without_notices() -> Iterator[None]:
    """Let the client not remark that a repository has none of the files that may be there."""
    import logging  # the client has imported it by now, and a start without the client need not

    def is_needed(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("No files matched")

    client = logging.getLogger("huggingface_hub._snapshot_download")
    client.addFilter(is_needed)
    try:
        yield
    finally:
        client.removeFilter(is_needed)


@contextmanager
def clear_errors(download: Download) -> Iterator[None]:
    """Turn the client's errors into those of `ModelSource.resolve`, each with its next step."""
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        GatedRepoError,
        HTTPError,  # pyright: ignore[reportPrivateImportUsage] - the client's own choice of httpx
        LocalEntryNotFoundError,
        LocalTokenNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    where = download.where
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
            f"{where} has no revision {download.revision!r}; expected a branch, a tag or a full "
            "commit hash"
        ) from error
    except LocalTokenNotFoundError as error:
        raise PermissionError(
            f"{where}: token=True, but no token is stored; set HF_TOKEN or pass the token itself"
        ) from error
    except LocalEntryNotFoundError as error:
        raise ConnectionError(not_cached(download, error)) from error
    except json.JSONDecodeError as error:
        raise ConnectionError(
            f"{where} could not be fetched: the answer is not one of the hub; is there a proxy "
            f"or a login page in between? Check the connection and HF_ENDPOINT{download.instead}"
        ) from error
    except (HTTPError, RuntimeError) as error:  # RuntimeError: the client's transfer library
        raise ConnectionError(
            f"{where} could not be fetched: {_first_line(error)}; try again (files that have "
            f"arrived are kept), check the connection and HF_ENDPOINT{download.instead}"
        ) from error


def not_cached(download: Download, error: BaseException | None = None) -> str:
    """Say that a model is not in the cache, why it was not fetched, and what to do."""
    from huggingface_hub import constants

    repo, revision = download.repo, download.revision
    version = f" at revision {revision}" if revision else ""
    if download.local_files_only:
        reason = "local_files_only=True forbids the network"
    elif constants.HF_HUB_OFFLINE or error is None:
        reason = "HF_HUB_OFFLINE forbids the network"
    else:
        reason = f"the hub did not answer ({_first_line(error.__cause__ or error)})"
    return (
        f"{repo!r}{version} is not in the cache, and {reason}. Fill the cache where there is a "
        f"network (`hf download {repo}{f' --revision {revision}' if revision else ''}`, then copy "
        f"the folder that HF_HOME names), or give a model's folder{download.instead}"
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
