"""Models are loaded by one thread at a time: transformers imports its parts when they are first asked for, and fails
in a thread that asks while another is at it.
"""

from __future__ import annotations

import threading

LOADING = threading.Lock()
