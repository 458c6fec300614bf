"""The files of the page, which the service sends to browsers."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

# The page loads its own files and calls its own service, and nothing else. No other site may show
# it inside a frame.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",  # so that a page and its scripts are of one release
}
_TYPES: Final = {".js": "text/javascript"}  # on some systems, mimetypes has an older name


@dataclass(frozen=True)
class PageFile:
    """One file of the page."""

    content: bytes
    media_type: str

    def response(self, _request: Request) -> Response:
        """Return the file as an answer."""
        return Response(self.content, headers=_HEADERS, media_type=self.media_type)


def page_files() -> dict[str, PageFile]:
    """Return the files of the page by their paths; the page itself has the path "/"."""
    found = {}
    for file in files("npbert.serve").joinpath("static").iterdir():
        ending = file.name[file.name.rindex(".") :]
        media_type = _TYPES.get(ending) or mimetypes.guess_type(file.name)[0] or "text/plain"
        path = "/" if file.name == "index.html" else f"/static/{file.name}"
        found[path] = PageFile(file.read_bytes(), media_type)
    return found
