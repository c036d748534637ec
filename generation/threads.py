"""How idle threads wait."""

# OpenMP's threads spin until the next parallel region. Where two processes share cores each then waits for threads that
# the other's spinning keeps off: two trainings of two threads on two cores do 3.4 times as many steps with these, and
# one alone as many as without. Read when torch loads.
PATIENT_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
