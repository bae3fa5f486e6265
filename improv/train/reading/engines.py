"""What applies the same reading function to many files: this machine, or an engine that has more of them.

An engine is called as `map` is, and yields results in the order of the items; `read_files(paths, map=engine)`.
Dask it is, not Ray: it is Python alone, a few small packages on every system, and its `map` is this one.
Its workers need improv installed in the same version, and see the files under the same paths.
"""

from __future__ import annotations

import importlib.util
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeVar

from improv.core.errors import ImprovError
from improv.extras import install

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 16  # items a task: a task costs a scheduler about a millisecond, a small file little more
PATIENCE = "20s"  # for a scheduler that does not answer


class EngineError(ImprovError):
    """An engine that can't be used, or that lost an item; the message says which and what to do."""


Engine = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]  # `map`, in order


def engine_of(text: str, local: Engine, lost: Callable[[Any], Any] | None = None) -> Engine:
    """The engine that --reader names: `local`, `dask` (workers on this machine) or `dask=SCHEDULER` (its address).

    local: the engine for this machine. lost: the result for an item whose worker died; if None that is an error.
    Raises EngineError.
    """
    name, named, address = text.partition("=")
    if name == "local" and not named:
        return local
    if name != "dask" or (named and not address):
        raise EngineError(f"--reader {text}: expected local, dask, or dask=tcp://HOST:PORT of a scheduler")
    if importlib.util.find_spec("distributed") is None:
        raise EngineError(f"--reader {text} needs dask, which is not installed: {install('cluster')}")
    return partial(_over_dask, address or None, lost)


def _over_dask(
    address: str | None, lost: Callable[[Item], Result] | None, function: Callable[[Item], Result], items: Sequence[Item]
) -> Iterator[Result]:
    """`map` over a Dask cluster: the one at `address`, or one of a process for each core that ends with the last result."""
    from distributed import CancelledError, Client, KilledWorker

    with ExitStack() as opened:
        try:
            client = opened.enter_context(Client(address or opened.enter_context(_cluster()), timeout=PATIENCE, set_as_default=False))
        except (OSError, ValueError) as e:  # OSError: nobody there, or not in time; ValueError: not an address
            raise EngineError(f"no dask scheduler answers at {address} ({_first(e)}); start one with: dask scheduler") from None
        chunks = [list(items[i : i + CHUNK]) for i in range(0, len(items), CHUNK)]
        # pure=False: the same path may hold something else tomorrow. What was taken is forgotten, there too: a corpus may be large.
        waiting = deque(client.map(partial(_each, function), chunks, pure=False))
        for chunk in chunks:
            try:
                yield from waiting.popleft().result()
            except KilledWorker:
                yield from (_alone(client, function, item, lost) for item in chunk)
            except (CancelledError, OSError) as e:
                raise EngineError(f"the dask scheduler went away while reading ({_first(e)}); start it and read again") from None


def _cluster() -> Any:
    """Worker processes on this machine, one thread each; what Dask tells over HTTP is at a free port, for 8787 may be another's."""
    import dask
    from distributed import LocalCluster

    with dask.config.set({"distributed.scheduler.allowed-failures": 1}):  # its workers die of what they read alone
        return LocalCluster(processes=True, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL)


def _each(function: Callable[[Item], Result], chunk: Sequence[Item]) -> list[Result]:
    return [function(item) for item in chunk]


def _alone(client: Any, function: Callable[[Item], Result], item: Item, lost: Callable[[Item], Result] | None) -> Result:
    """One item of a chunk that killed its worker: by itself, so that none but the culprit is lost."""
    from distributed import KilledWorker

    try:
        result: Result = client.submit(function, item, pure=False).result()
        return result
    except KilledWorker:
        if lost is None:
            raise EngineError(f"{item}: every worker that read it died") from None
        return lost(item)


def _first(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
