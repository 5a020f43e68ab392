"""Each result of the Python face says in one line of repr() what it is, of which recording, and its main figures."""

from __future__ import annotations

from pathlib import Path

import pytest
from heapledger import PayloadAnalyzer, PoolMonitor, RateLimiter, RequestIsolator, VersionComparator
from made_recording import MadeRecording


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    made = MadeRecording(tmp_path / "a\nb.db")
    made.add_worker(1)
    for number in range(3):
        made.add_request("GET", f"/v{1 + number % 2}/a", sequence=number, started_us=number)
    return made.close()


def test_every_result_has_one_of_one_line(recording: Path) -> None:
    requests = RequestIsolator(recording)
    name = str(recording).replace("\n", "\\n")
    said = {
        requests.analyze(): "3 requests, 2 endpoints",
        requests.leaks(): "0 leaks in 0 findings",
        requests.lifecycle("/v1/a"): "1 endpoint of that route",
        requests.interference(): "3 requests, 3 pairs that met",
        requests.segments(): "0 workers, 2 endpoints",
        PayloadAnalyzer(recording).analyze(): "3 requests, 2 endpoints",
        PoolMonitor(recording).analyze(): "0 pools, 0 leaks",
        RateLimiter(recording).analyze(): "no limits, 3 requests, needs about 200",
        VersionComparator(recording).analyze(): "1 pair, 0 regressions",
    }
    for result, figures in said.items():
        assert repr(result) == f"<{type(result).__name__} of {name}: {figures}>"
    both = VersionComparator(recording, recording).analyze()
    assert repr(both) == f"<VersionsResult of {name} to {name}: 2 pairs, 0 regressions>"
