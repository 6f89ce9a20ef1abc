"""What recognizes people now: all of the program that depends on the model pack."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.gallery.checking import GalleryChecker
from api.gallery.index import Index
from pipeline.enroll import Enroller
from pipeline.inference import Placed
from pipeline.packs.manifest import Manifest
from pipeline.photograph_analysis import PhotographAnalyzer


@dataclass(frozen=True, slots=True, eq=False)
class Recognition:
    """One pack: its networks at work, its index, the similarity from which it names somebody.

    ``fallen`` says why MODEL_DEVICE=auto runs on the CPU, empty where nothing fell back.
    """

    pack: Manifest
    threshold: float
    index: Index
    checker: GalleryChecker
    analyzer: PhotographAnalyzer
    enroller: Enroller
    networks: Mapping[str, Placed]
    fallen: str


class CurrentRecognition:
    """The pack in use, until another one takes its place; whoever needs it asks each time."""

    def __init__(self, first: Recognition) -> None:
        self.now = first
