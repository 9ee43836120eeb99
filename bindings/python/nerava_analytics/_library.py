"""Finding and loading the shared library, once a process, when it is first needed."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import threading
from pathlib import Path

from . import _fork
from ._abi import Abi
from .errors import LibraryNotFound

ENVIRONMENT_VARIABLE = "NERAVA_ANALYTICS_LIBRARY"
_FILE_NAME = "libnerava_analytics.so"
_SONAME = "libnerava_analytics.so.0"

_lock = threading.RLock()
_abi: Abi | None = None


def abi() -> Abi:
    """The loaded library. LibraryNotFound when there is none that fits."""
    global _abi
    if _abi is None:
        with _lock:
            if _abi is None:
                _abi = _load()
    return _abi


def _renew() -> None:
    global _lock
    _lock = threading.RLock()


def library_version() -> str:
    """The version of the loaded library, such as "0.1.0"."""
    return abi().version()


def _candidates() -> list[tuple[str, str]]:
    """Where to look, with words for people. Who names a file gets that file or an error."""
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        return [(named, f"the environment variable {ENVIRONMENT_VARIABLE}")]
    candidates = []
    bundled = Path(__file__).parent / _FILE_NAME
    if bundled.exists():
        candidates.append((str(bundled), "bundled with the package"))
    candidates.append((ctypes.util.find_library("nerava_analytics") or _SONAME, "the system's"))
    return candidates


def _load() -> Abi:
    tried = []
    for path, origin in _candidates():
        try:
            return Abi(path)
        except (OSError, AttributeError) as error:
            tried.append(f"{path} ({origin}): {error}")
    raise LibraryNotFound(
        "the nerava_analytics library could not be loaded. Tried " + "; ".join(tried) + ". "
        "Install the package with pip, which builds and bundles the library, or set "
        f"{ENVIRONMENT_VARIABLE} to the path of a built {_FILE_NAME}"
    )


_fork.call_in_child(_renew)
