"""Keras, imported without its backend's log lines: the one place from which the project takes Keras.

TensorFlow's C++ half writes its first lines (oneDNN, cudart, absl) straight to file descriptor 2, before any setting is read.
So while it is first imported, that descriptor is a file. What it holds afterwards is told without
the log lines; where the import fails, all of it is told. What Python writes to standard error meanwhile goes where it always goes.
Whoever sets TF_CPP_MIN_LOG_LEVEL wants to see them: then nothing is held back.
"""

from __future__ import annotations

import faulthandler
import importlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from improv.core.errors import ImprovError
from improv.extras import install

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# A line of glog or absl (I0000 00:00:17.3 712 port.cc:153] ...), or of older TensorFlows (2026-11-28 07:00:00.1: I tensorflow/...).
_LOGGED = re.compile(
    rb"[IWEF]\d{4} [\d:.]+ +\d+ [\w./-]+:\d+\] |\d{4}-\d\d-\d\d [\d:.]+: [IWEF] |"
    rb"WARNING: All log messages before absl::InitializeLog\(\)|To enable the following instructions:"
)


@contextmanager
def held_back() -> Iterator[None]:
    """While it lasts, what C++ libraries write to standard error is kept in a file; then it is told, without log lines.

    All of it is told where an exception ends it.
    """
    try:
        real = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    stderr, failed = sys.stderr, False
    traced = not faulthandler.is_enabled()
    with tempfile.TemporaryFile() as caught, open(real, "w", encoding="utf-8", errors="replace", buffering=1) as shown:
        if _is_descriptor(stderr, 2):
            stderr.flush()
            sys.stderr = shown
        if traced:
            faulthandler.enable(shown)  # a crash inside would take what is caught with it: then at least this is told
        os.dup2(caught.fileno(), 2)
        try:
            yield
        except BaseException:
            failed = True
            raise
        finally:
            shown.flush()
            os.dup2(real, 2)
            if traced:
                faulthandler.disable()
            if sys.stderr is shown:
                sys.stderr = stderr
            _let_go(shown, stderr)
            caught.seek(0)
            for line in caught:
                if failed or not _LOGGED.match(line):
                    os.write(2, line)


def _let_go(shown: TextIO, stderr: TextIO) -> None:
    """Loggers that were made meanwhile write where the others do, not to a stream that is about to be closed."""
    for logger in (logging.root, *logging.root.manager.loggerDict.values()):
        for handler in getattr(logger, "handlers", ()):
            if isinstance(handler, logging.StreamHandler) and handler.stream is shown:
                handler.setStream(stderr)


def _is_descriptor(stream: Any, number: int) -> bool:
    try:
        return bool(stream.fileno() == number)
    except (AttributeError, OSError, ValueError):  # none, a test's, a closed one
        return False


def _load() -> Any:
    """Import Keras. Raises ImprovError where that fails."""
    if "keras" in sys.modules or LEVEL in os.environ:
        return importlib.import_module("keras")
    os.environ[LEVEL] = "3"  # of the lines that come later none
    try:
        with held_back():
            found = importlib.import_module("keras")
        logging.getLogger("tensorflow").setLevel(logging.ERROR)  # Python's half has hints for programmers
        return found
    except ImportError as e:
        raise ImprovError(f"training needs keras and its backend ({e}): {install('train')}") from e


keras = _load()
layers, ops = keras.layers, keras.ops
