"""The collector as a native thread of this process, for services that start heapledger from their own code."""

def start(output: str, run_dir: str) -> str:
    """Recover what earlier runs left, make recording and run folder, and collect. Returns the folder for the ledgers.

    "" stands for the default of either. Raises OSError when one of them cannot be used. Twice: an error.
    """

def flush() -> str:
    """Drain what is there now and commit it. Returns the recording's path, "" when not started."""

def stop() -> None:
    """Drain the rest, close the recording as one plain file and end the thread. Twice is a no-op."""

def abandon() -> None:
    """End the thread and remove what start() made, so that start() may be tried again."""
