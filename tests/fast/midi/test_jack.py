"""When a JACK server stands still."""

import pytest

from improv.midi.jack import ServerTime


@pytest.mark.parametrize(
    ("frames", "judged"),
    [
        ([0, 64, 128], [True, True, True]),
        ([64, 64, 128], [True, True, True]),  # asked twice in one period, at the start
        ([0, 64, 64, 64, 128], [True, True, False, False, True]),
        ([0, 0, 0], [True, True, True]),  # PipeWire, which tells nothing
    ],
)
def test_a_server_that_stands_still_is_one_that_moved_before(frames: list[int], judged: list[bool]) -> None:
    pace = ServerTime()
    assert [pace.goes_on(frame) for frame in frames] == judged
