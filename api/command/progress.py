"""A progress bar for what takes long: networks made or fetched, people enrolled."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID

from pipeline.packs.pack import Progress as Tell


@contextmanager
def progress_bar(console: Console) -> Iterator[Tell]:
    """What to tell the progress to: what it is, how much is done, of how much."""
    tasks: dict[str, TaskID] = {}
    with Progress(console=console, transient=True) as bar:

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        yield tell
