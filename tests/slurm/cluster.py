"""A Slurm of one node for tests: three daemons with all that they have in one folder, apart from any other Slurm."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
TOOLS = ("sbatch", "srun", "scancel", "scontrol", "squeue", "sinfo")
PLACES = "/usr/sbin:/usr/local/sbin:/sbin"  # of daemons, that need not be in PATH

# cred_expire: a job that was put back waits so long, and a second more; no less is allowed, and Slurm's default is 120.
# config_overrides: more processors than there are. Jobs in "first" push jobs in "main" back into the queue.
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MailProg=/bin/true
ReturnToService=2
JobRequeue=1
KillWait=3
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
SlurmdParameters=config_overrides
NodeName=localhost NodeHostname={host} NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=first Nodes=localhost MaxTime=INFINITE State=UP PriorityTier=2
"""

# Waits until its input closes, which happens however the tests end. Then it kills every process that knows the folder
# by its environment, as daemons and jobs do, and removes the folder.
GUARD = """
import os, shutil, signal, sys, time
folder = sys.argv[1]
sys.stdin.read()
for _ in range(100):
    found = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/environ", "rb") as file:
                if f"SLURM_CONF={folder}/".encode() in file.read() and int(process) != os.getpid():
                    os.kill(int(process), signal.SIGKILL)
                    found += 1
        except OSError:
            pass
    if not found:
        break
    time.sleep(0.05)
shutil.rmtree(folder, ignore_errors=True)
"""


@dataclass(frozen=True)
class Cluster:
    """A running Slurm; what is called with its environment speaks to it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        path = f"{os.environ['PATH']}:{PLACES}"
        return {**os.environ, "PATH": path, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def call(self, *command: str) -> str:
        """The output of one of Slurm's tools."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout.strip()

    def jobs(self) -> list[str]:
        """The jobs that wait or run."""
        return self.call("squeue", "--noheader", "--format=%i").split()

    def state(self, job: str) -> str:
        return self.call("squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%T")

    def logs(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text()[-3000:]}" for log in self.folder.glob("*.log"))


def missing() -> str:
    """Why there can be no cluster here; empty if there can."""
    lacking = [name for name in DAEMONS + TOOLS if not shutil.which(name, path=f"{os.environ['PATH']}:{PLACES}")]
    if lacking:
        return f"needs {', '.join(lacking)}: apt-get install slurm-wlm munge"
    return "" if os.geteuid() == 0 else "needs root, as which slurmd runs jobs"


def wait_for(what: str, holds: Callable[[], object], seconds: float = 60) -> None:
    """Until something holds; an AssertionError that says what, if it never does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"after {seconds} s not yet: {what}"
        time.sleep(0.1)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster that is gone at the end, with its jobs and its folder."""
    # A short path, for sockets stand in it.
    cluster = Cluster(Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp")))
    command = [sys.executable, "-c", GUARD, str(cluster.folder)]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        _start(cluster)
        yield cluster
    finally:
        assert guard.stdin
        guard.stdin.close()
        guard.wait(60)


def _start(cluster: Cluster) -> None:
    folder = cluster.folder
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    controller, node = _free_ports(2)
    text = CONFIGURATION.format(
        folder=folder, host=socket.gethostname().partition(".")[0], controller=controller, node=node
    )
    (folder / "slurm.conf").write_text(text)
    files = {"--key-file": "munge.key", "--socket": "munge.socket", "--pid-file": "munged.pid"}
    files |= {"--log-file": "munged.log", "--seed-file": "munge.seed"}
    cluster.call("munged", "--force", *(word for flag, name in files.items() for word in (flag, str(folder / name))))
    cluster.call("slurmctld", "-i")
    cluster.call("slurmd", "-N", "localhost")
    try:
        wait_for("the node is idle", lambda: cluster.call("sinfo", "--noheader", "--format=%T").split()[:1] == ["idle"])
    except AssertionError as error:
        raise AssertionError(f"{error}\n{cluster.logs()}") from None


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
