"""What a test needs of its machine. Where it is missing the test is skipped, and fails where all must run: see conftest."""

from __future__ import annotations

import shutil
import sys

import pytest


def required(*programs: str, package: str) -> None:
    """These programs, of a Debian package; on Linux alone."""
    if sys.platform != "linux":
        pytest.skip(f"{programs[0]} is asked for on Linux alone")
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: apt-get install {package})")
