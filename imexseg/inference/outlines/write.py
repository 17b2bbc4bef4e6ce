"""Outlines of many images, from the masks that `imexseg predict` has written: as each mask appears, and those from before.

Files of one image appear as soon as it is outlined. What speaks of all images (COCO's file, lists, names of classes) appears at
the end, so that an interrupted run leaves none of it, and the next one writes it whole.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from imexseg.data.description.labels import IGNORE
from imexseg.errors import UsageError, WriteError
from imexseg.inference.outlines.coco import coco_categories, coco_json, coco_lines
from imexseg.inference.outlines.labelme import labelme_json, labelme_names
from imexseg.inference.outlines.named import Outlined, not_outlined
from imexseg.inference.outlines.parts import parts_of
from imexseg.inference.outlines.places import COCO, files_of_image, names_below, path_from, stem_of
from imexseg.inference.outlines.read_mask import read_classes
from imexseg.inference.outlines.spool import Spool
from imexseg.inference.outlines.voc import voc_annotation, voc_labelmap, voc_list, voc_mask
from imexseg.inference.outlines.yolo import yolo_description, yolo_labels, yolo_list
from imexseg.inference.placed import PlacedJob
from imexseg.storage.places import Place
from imexseg.storage.write import write_at

AT_ONCE, AHEAD = 2, 16  # images that are outlined, and that wait for it


class OutlineFiles:
    """Outlines of the images of one command, in one or more formats.

    Args: output: the folder of the masks.  tolerance: in pixels.  info: of the weights.  jobs: all images, done or not.
    kept: files that are there already and stay as they are: somebody may have corrected them.
    """

    def __init__(
        self,
        formats: Sequence[str],
        tolerance: float,
        output: Place,
        info: Any,
        jobs: Sequence[PlacedJob],
        kept: frozenset[str] = frozenset(),
    ):
        self.formats, self.tolerance, self.output, self.info, self.kept = formats, tolerance, output, info, kept
        self.names = list(info.names)
        self.name_of = names_below([job.path for job in jobs])
        self.categories = coco_categories(self.names, info.values)
        self.outlined: dict[PlacedJob, str] = {}  # and the stem of each
        self.void: list[PlacedJob] = []  # images with pixels that mean nothing
        self.failures: list[str] = []
        self._running: deque[tuple[PlacedJob, Future[bool]]] = deque()

    @contextmanager
    def writing(self) -> Iterator["OutlineFiles"]:
        """Within it images are added; at its end, if it ends well, everything is there. Raises: WriteError."""
        with ThreadPoolExecutor(AT_ONCE, "outlines") as pool, Spool() as spool:
            self._pool, self._spool = pool, spool
            try:
                yield self
                self._wait(0)
                self._write_of_all()
            finally:
                pool.shutdown(cancel_futures=True)

    def add(self, job: PlacedJob) -> None:
        """An image whose mask is there. Raises: WriteError if the files of an earlier one cannot be written."""
        self._wait(AHEAD)
        self._running.append((job, self._pool.submit(self._outline, job)))

    def _wait(self, most: int) -> None:
        while len(self._running) > most:
            job, future = self._running.popleft()
            try:
                if future.result():
                    self.void.append(job)
                self.outlined[job] = stem_of(job, self.output)
            except WriteError:
                raise
            except UsageError as error:
                self.failures.append(str(error))

    def _outline(self, job: PlacedJob) -> bool:
        """Returns: whether the mask holds pixels that mean nothing."""
        stem = stem_of(job, self.output)
        wanted = [form for form in self.formats if form == "coco" or not self._is_kept(form, stem)]
        if not wanted:
            return False
        classes = read_classes(job.target, self.info.values)
        has_void = bool((classes == IGNORE).any())
        parts = [] if wanted == ["voc"] else parts_of(classes, self.tolerance, not_outlined(self.names, False))
        known = Outlined(classes.shape[:2], self.name_of[job.path], [p for p in parts if p.label != IGNORE])
        for form in wanted:
            if form == "coco":
                self._spool.add(job.number, coco_lines(known, job.number + 1, self.categories))
                continue
            paths = files_of_image(form, stem)
            if form == "labelme":
                named = path_from((self.output / paths[0]).parent, job.path)
                contents = [labelme_json(Outlined(known.size, named, parts), self.names)]
            elif form == "yolo":
                contents = [yolo_labels(known, self.names)]
            else:
                exact = Outlined(known.size, known.name, parts_of(classes, 0, not_outlined(self.names, True)))
                contents = [voc_mask(classes), voc_annotation(exact, self.names)]
            for path, content in zip(paths, contents, strict=True):
                write_at(self.output / path, content)
        return has_void

    def _is_kept(self, form: str, stem: str) -> bool:
        return all(path in self.kept for path in files_of_image(form, stem))

    def _write_of_all(self) -> None:
        jobs = sorted(self.outlined, key=lambda job: job.number)
        stems = [self.outlined[job] for job in jobs]
        images = [f"{stem}{job.path.suffix}" for stem, job in zip(stems, jobs, strict=True)]
        contents: dict[str, Any] = {}
        if "labelme" in self.formats:
            contents["labelme/labels.txt"] = labelme_names(self.names)
        if "yolo" in self.formats:
            contents |= {"yolo/data.yaml": yolo_description(self.names), "yolo/train.txt": yolo_list(images)}
        if "voc" in self.formats:
            contents |= {"voc/labelmap.txt": voc_labelmap(self.names)}
            contents |= {"voc/ImageSets/Segmentation/train.txt": voc_list(stems)}
        if "coco" in self.formats:
            what = f"predicted with {self.info.model}, outlines within {self.tolerance:g} px"
            lines = self._spool.of([job.number for job in jobs])
            contents[COCO] = coco_json(what, self.names, self.categories, lines)
        for path, content in contents.items():
            write_at(self.output / path, content)
