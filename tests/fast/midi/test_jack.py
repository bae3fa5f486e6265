"""When a JACK server stands still."""

import pytest

from improv.midi.jack import ServerTime


@pytest.mark.parametrize(
    ("frames", "judged"),
    [
        ([64, 128, 192], [True, True, True]),
        ([64, 64, 128], [True, False, True]),  # also at the start
        ([64, 128, 128, 128, 192], [True, True, False, False, True]),
        ([0, 0, 0], [True, True, True]),  # PipeWire, which tells nothing
    ],
)
def test_a_server_stands_still_whose_time_does(frames: list[int], judged: list[bool]) -> None:
    pace = ServerTime()
    assert [pace.goes_on(frame) for frame in frames] == judged
