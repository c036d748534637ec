"""vLLM's waiting processes sleep where they are told to, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cluster.spin import YIELDS

SCRIPT = """
import zmq
from vllm.plugins import load_general_plugins
load_general_plugins()
from vllm.distributed.device_communicators import shm_broadcast
from vllm.distributed.device_communicators.shm_broadcast import get_open_zmq_ipc_path
context, address = zmq.Context(), get_open_zmq_ipc_path()
writer = shm_broadcast.SpinCondition(is_reader=False, context=context, notify_address=address)
reader = shm_broadcast.SpinCondition(is_reader=True, context=context, notify_address=address)
before = reader.busy_loop_s
reader.record_read()
print(before, reader.busy_loop_s)
"""


@pytest.mark.parametrize(("told", "expected"), [("1", "1 0.002"), ("0", "1 1")])
def test_a_reader_sleeps_after_its_first_message(told: str, expected: str) -> None:
    environment = os.environ | {YIELDS: told, "VLLM_LOGGING_LEVEL": "ERROR"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=600)
    assert done.stdout.splitlines()[-1:] == [expected], done.stderr[-2000:]
