"""The errors and notices of the hub's client, in the words of npbert."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

# The modules of the client that give notices, and those notices that are not needed.
_NOTICING: Final = ("_snapshot_download", "_tree_cache", "file_download", "utils._http")
_NOTICES: Final = re.compile(
    "^No files matched|^Retrying in|^Error while downloading|^Ignored error while writing"
    "| thrown while requesting "
)


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
    no_answer : Exception, optional
        Why the hub did not answer, if it was asked and did not.
    """

    repo: str
    revision: str | None
    local_files_only: bool
    instead: str
    no_answer: Exception | None = None

    @property
    def where(self) -> str:
        """The words that name the repository in error messages."""
        from huggingface_hub import constants

        return f"{self.repo!r} on {constants.ENDPOINT}"

    @property
    def may_ask(self) -> bool:
        """Whether the hub may be asked, and is there to answer."""
        from huggingface_hub import constants

        return not (self.local_files_only or constants.HF_HUB_OFFLINE or self.no_answer)


@contextmanager
def without_notices() -> Iterator[None]:
    """Let the client be silent about what is no fault, and about what our error says in the end.

    It remarks that a repository has none of the files that may be there, and that it tries again.
    """
    import logging  # the client has imported it by now, and a start without the client need not

    def is_needed(record: logging.LogRecord) -> bool:
        return _NOTICES.search(record.getMessage()) is None

    loggers = [logging.getLogger(f"huggingface_hub.{name}") for name in _NOTICING]
    for logger in loggers:
        logger.addFilter(is_needed)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_needed)


@contextmanager
def without_bars() -> Iterator[None]:
    """Let the client show no progress, for files that have arrived before anybody has read it."""
    from huggingface_hub import constants
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    # Where the variable of the environment decides, the client warns of other wishes.
    if constants.HF_HUB_DISABLE_PROGRESS_BARS is not None or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


@contextmanager
def time_limits() -> Iterator[None]:
    """Let no request of the client wait for ever; where it sets no limit itself, this one counts.

    It sets none for the lists of the files and of the commits of a repository.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    def limit(request: Any) -> None:  # of httpx, under whatever name the client has imported it
        given = request.extensions.get("timeout", {})
        request.extensions["timeout"] = {
            what: seconds or constants.HF_HUB_ETAG_TIMEOUT for what, seconds in given.items()
        }

    session = get_session()
    hooks = session.event_hooks
    session.event_hooks = {**hooks, "request": [*hooks["request"], limit]}
    try:
        yield
    finally:
        hooks = session.event_hooks
        others = [hook for hook in hooks["request"] if hook is not limit]
        session.event_hooks = {**hooks, "request": others}


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
    elif constants.HF_HUB_OFFLINE:
        reason = "HF_HUB_OFFLINE forbids the network"
    else:
        cause = download.no_answer or (error.__cause__ if error else None) or error
        reason = "the hub did not answer" + (f" ({_first_line(cause)})" if cause else "")
    advice = "Fill the cache" if reason.endswith("forbids the network") else "Try again, or fill it"
    return (
        f"{repo!r}{version} is not in the cache, and {reason}. {advice} where there is a "
        f"network (`hf download {repo}{f' --revision {revision}' if revision else ''}`, then copy "
        f"the folder that HF_HOME names), or give a model's folder{download.instead}"
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
