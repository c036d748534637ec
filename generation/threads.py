"""How idle threads wait."""

# OpenMP's threads spin until the next parallel region. Where two processes share cores each then waits for threads that
# the other's spinning keeps off; alone, a process that sleeps instead is as fast. Read when torch loads.
PATIENT_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
