"""The collector as a native thread of this process, for services that start heapledger from their own code."""

def start(run_dir: str, recording_path: str) -> None:
    """Drain the ledgers of run_dir into a new recording. Raises OSError when either cannot be used. Twice: an error."""

def flush() -> str:
    """Drain what is there now and commit it. Returns the recording's path, "" when not started."""

def stop() -> None:
    """Drain the rest, close the recording as one plain file and end the thread. Twice is a no-op."""
