"""What exact points and weighted looks do for similarities, on clips with a ground truth.

    python -m tests.bench.identity TRUTH PEOPLE [--pack yunet] [--sets 40]

TRUTH is as for ``faceapi evaluate --clips``, PEOPLE a folder of folders of photographs; whoever is
alone in a clip is enrolled from its first good frame,
and such clips are not looked at.

- points: similarity of enrolled people's faces to their own templates, by points as they were
  detected and as a close look finds them;
- evidence: each time eight looks at one person, of which some are blurred: the similarity of the
  right person and of the nearest wrong one, by the mean of the best three similarities and by the
  mean weighted with the looks' quality. d' is the distance of the two means in their pooled
  standard deviations; missed are right ones below the pack's threshold (FNIR), false are wrong ones
  at and above it (FPIR).
"""

import argparse
import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, variance
from unittest.mock import patch

import cv2
import numpy as np

from pipeline.build import Pipeline
from pipeline.detect.closeup import AsDetected
from pipeline.enroll import enroll_folder
from pipeline.errors import BadInput
from pipeline.evaluation.truth import Clip, read_truth
from pipeline.evidence import weigh
from pipeline.extract import FeatureExtractor
from pipeline.gallery.exact import ExactGallery
from pipeline.messages import (
    Comparison,
    DetectedFace,
    EnrolledFace,
    FaceId,
    Image,
    PersonId,
    Probe,
)
from tests.bench.inputs import console
from tests.bench.line import open_engine
from tests.system.films import pictures_of

_LOOKS = 8
_BEST = 3
_BLUR = 3.0
"""Standard deviation, in pixels, of every other picture's blur."""

Rule = Callable[[Sequence[Comparison]], Mapping[PersonId, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A face of a clip whose person is known; None: nobody who is enrolled."""

    clip: str
    person: PersonId | None
    image: Image
    face: DetectedFace


def best_of(looks: Sequence[Comparison]) -> Mapping[PersonId, float]:
    """Each person's mean over her best looks."""
    found = defaultdict[PersonId, list[float]](list)
    for look in looks:
        for one in look.matches:
            found[one.person].append(one.similarity)
    return {who: mean(sorted(values)[-_BEST:]) for who, values in found.items()}


def weighted(looks: Sequence[Comparison]) -> Mapping[PersonId, float]:
    """As the pipeline does it."""
    return {one.person: one.similarity for one in weigh(looks)}


def faces_of(clips: Sequence[Clip], engine: Pipeline) -> Iterator[Seen]:
    """Every face, every other picture blurred."""
    for clip in clips:
        for number, picture in enumerate(pictures_of(clip.path)):
            soft = np.asarray(cv2.GaussianBlur(picture, (0, 0), _BLUR), np.uint8)
            image = soft if number % 2 else picture
            for face in engine.detector.detect(image):
                middle = (face.box.x + face.box.width / 2) / image.shape[1]
                yield Seen(clip.name, clip.who(middle), image, face)


async def enrolled(clips: Sequence[Clip], people: Path, engine: Pipeline) -> ExactGallery:
    """Those in the folder, and whoever is alone in a clip."""
    gallery, enroller = ExactGallery(engine.pack.manifest.embedder.dimension), engine.enroller()
    await enroll_folder(people, enroller, gallery, console.print)
    for clip in clips:
        for picture in pictures_of(clip.path) if clip.alone else ():
            try:
                portrait = await enroller.portrait(picture)
            except BadInput:
                continue
            assert clip.alone is not None
            await gallery.add([EnrolledFace(FaceId(clip.name), clip.alone, portrait.template)])
            break
    return gallery


async def compared(
    faces: Sequence[Seen], extractor: FeatureExtractor, gallery: ExactGallery
) -> Sequence[tuple[Seen, Comparison]]:
    """Those faces that can be embedded, beside the gallery."""
    probes = [(one, extractor.extract(one.image, one.face)) for one in faces]
    usable = [(one, probe) for one, probe in probes if isinstance(probe, Probe)]
    found = await gallery.search(np.stack([probe.vector for _, probe in usable]))
    return [
        (one, Comparison(matches, probe.quality))
        for (one, probe), matches in zip(usable, found, strict=True)
    ]


def points_table(
    by: Mapping[str, Sequence[tuple[Seen, Comparison]]], threshold: float
) -> Iterator[str]:
    """How similar people are to their own templates."""
    for name, looks in by.items():
        own = [
            match.similarity
            for one, look in looks
            for match in look.matches
            if match.person == one.person
        ]
        near = sum(value >= threshold for value in own)
        yield f"{name}: mean {mean(own):.3f}, at the threshold {near} of {len(own)}"


def evidence_table(
    looks: Sequence[tuple[Seen, Comparison]], sets: int, threshold: float
) -> Iterator[str]:
    """How far right and wrong people are apart."""
    tracks = defaultdict[tuple[str, PersonId | None], list[Comparison]](list)
    for one, look in looks:
        tracks[one.clip, one.person].append(look)
    chance = random.Random(1)  # noqa: S311 - the same sets each time
    drawn = [
        (person, chance.sample(track, _LOOKS))
        for (_, person), track in tracks.items()
        for _ in range(sets if len(track) >= _LOOKS else 0)
    ]
    rules: Mapping[str, Rule] = {"best three": best_of, "weighted": weighted}
    for name, rule in rules.items():
        right, wrong = list[float](), list[float]()
        for person, some in drawn:
            found = dict(rule(some))
            if person in found:
                right.append(found.pop(person))
            wrong.append(max(found.values()))
        apart = (mean(right) - mean(wrong)) / ((variance(right) + variance(wrong)) / 2) ** 0.5
        missed, false = (
            sum(value < threshold for value in right),
            sum(value >= threshold for value in wrong),
        )
        yield (
            f"{name}: right {mean(right):.3f}, wrong {mean(wrong):.3f} (most {max(wrong):.3f}), "
            f"d' {apart:.2f}, missed {missed} of {len(right)}, false {false} of {len(wrong)}"
        )


async def measure(truth: Path, people: Path, pack: str, sets: int) -> None:
    """Print both tables."""
    engine, clips = open_engine(pack), read_truth(truth)
    try:
        gallery = await enrolled(clips, people, engine)
        faces = list(faces_of([clip for clip in clips if not clip.alone], engine))
        close = await compared(faces, engine.extractor, gallery)
        with patch.object(engine.extractor, "_points", AsDetected()):
            rough = await compared(faces, engine.extractor, gallery)
        tables = {"points as detected": rough, "points of a close look": close}
        console.print(*points_table(tables, engine.threshold), sep="\n")
        console.print(*evidence_table(close, sets, engine.threshold), sep="\n")
    finally:
        engine.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("truth", type=Path)
    parser.add_argument("people", type=Path)
    parser.add_argument("--pack", default="yunet", help="a name, a manifest, or yunet")
    parser.add_argument("--sets", type=int, default=40)
    asked = parser.parse_args()
    asyncio.run(measure(asked.truth, asked.people, asked.pack, asked.sets))


if __name__ == "__main__":
    main()
