"""Which of several processes over the same SQLite files does the jobs: the one that holds a lock in their folder."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: every process works; claims are safe without the lease, only less lively
    fcntl = None  # type: ignore[assignment]


class FolderLease:
    """Held until it is closed or the process dies, however it dies. Without a folder it is always held."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / "runner.lock" if folder is not None else None
        self._lock = threading.Lock()
        self._file: int | None = None
        self._owner = 0

    def held(self) -> bool:
        """Take the lease if it is free; whether it is ours now."""
        if self._path is None or fcntl is None:
            return True
        with self._lock:
            if self._file is not None and self._owner == os.getpid():
                return True
            if not self._path.parent.is_dir():
                return False
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(file)
                return False
            self._file, self._owner = file, os.getpid()
            return True

    def close(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._file is not None:
                os.close(self._file)
            self._file = None
