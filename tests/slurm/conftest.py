"""One cluster for all tests of a process."""

from collections.abc import Iterator

import pytest

from tests.slurm.cluster import Cluster, missing, running_cluster


@pytest.fixture(scope="session")
def one_node() -> Iterator[Cluster]:
    pytest.importorskip("submitit")
    if reason := missing():
        pytest.skip(reason)
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(one_node: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """The cluster, spoken to by this process, too; without jobs before and after a test."""
    for name in ("PATH", "SLURM_CONF"):
        monkeypatch.setenv(name, one_node.environment[name])
    yield one_node
    if jobs := one_node.jobs():
        one_node.call("scancel", "--signal=KILL", *jobs)
        one_node.call("scancel", *jobs)
