"""A folder in, the stereo pairs below it out, matched by name and never by sorted order.
Each known dataset is a row of a table; this file opens no picture, so it cannot tell whether one is sound.
"""

import csv
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from snncodec.errors import InputError
from snncodec.io.images import SUFFIXES

# (dataset, path of a view below the root without its suffix, word for left, word for right). VIEW stands for the word,
# NAME for a file name, IN for the folder; what is in brackets must be equal in both views and names the scene. Rows of
# one dataset show the same scenes: where a row finds the pair of a scene, later rows (grey, other cameras) add none.
LAYOUTS = (
    ("Cityscapes", "(IN)VIEWImg8bit/(.+)_VIEWImg8bit", "left", "right"),
    ("KITTI", "(IN)colored_VIEW/(NAME)", "0", "1"),  # 2012
    ("KITTI", "(IN)image_VIEW/(NAME)", "2", "3"),  # 2015, odometry
    ("KITTI", "(IN)image_VIEW/data/(NAME)", "02", "03"),  # raw
    ("KITTI", "(IN)image_VIEW/(NAME)", "0", "1"),  # grey
    ("KITTI", "(IN)image_VIEW/data/(NAME)", "00", "01"),  # grey
    ("Middlebury", "(IN)imVIEW", "2", "6"),  # 2001 and 2003 hold up to nine views, of which these are the pair
    ("Middlebury", "(IN)viewVIEW", "1", "5"),  # 2005 and 2006 hold up to seven
    ("Middlebury", "(IN)imVIEW", "0", "1"),  # 2014, 2021, ETH3D; im1E and im1L show other light and are no right view
    ("InStereo2K", "(IN)VIEW", "left", "right"),
    ("Sintel", "(IN)(final|clean|albedo)_VIEW(/.+)", "left", "right"),
    ("FallingThings", "(IN)(NAME)[.]VIEW", "left", "right"),
    ("Holopix50k", "(IN)VIEW/(NAME)_VIEW", "left", "right"),
    ("Flickr1024", "(IN)(NAME)_VIEW", "L", "R"),
    ("folders", "(IN)VIEW/(NAME)", "left", "right"),
    ("names", "(IN)(NAME)_VIEW", "left", "right"),
)
KNOWN = (
    "<scene>/left.* right.*, left/* right/*, *_left.* *_right.*, *.left.* *.right.*, KITTI, Middlebury, ETH3D, "
    "InStereo2K, Cityscapes, Sintel, Flickr1024, Holopix50k, FallingThings, files that hold both views (.mpo, .jps, "
    ".pns, .heic), or a pairs.csv with two columns of relative paths"
)
VIEWS = (*SUFFIXES, "heic", "heif")  # extensions of single views, the better ones first
SINGLE = ("mpo", "jps", "pns", "heic", "heif")  # extensions of files that may hold both views
DELIMITERS = ",;\t"  # of pairs.csv; spreadsheets write all three


@dataclass(frozen=True)
class Scene:
    """Two files that belong together, or one that holds both views; `name` is their common part below the root."""

    name: str
    left: Path
    right: Path | None = None  # None where `left` holds both views

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the pair."""
        return (self.left,) if self.right is None else (self.left, self.right)


def find_pairs(root: Path) -> tuple[list[Scene], list[Path]]:
    """`list_pairs` of a folder that must hold at least one pair, or `InputError`; files that hold both views count."""
    scenes, orphans = list_pairs(root, single_files=True)
    if not scenes:
        lone = f" ({len(orphans)} single views, such as {min(orphans)})" if orphans else ""
        raise InputError(f"there is no stereo pair in {root}{lone}; known layouts: {KNOWN}")
    return scenes, orphans


def list_pairs(root: Path, single_files: bool = False) -> tuple[list[Scene], list[Path]]:
    """List the stereo pairs below a folder, which may itself be one scene.

    Returns the pairs in natural order of their names (2 before 10), and the orphans: views whose other half is missing.
    If the folder holds a `pairs.csv` (columns left and right, paths relative to the folder, header optional), its rows
    are the pairs, in its order, and nothing else is looked at. Where a scene exists in several file types, PNG wins.
    With `single_files`, a file that may hold both views is a pair too, unless it is named like a single view, or
    two files make a pair of its name.
    Raises InputError for a folder that cannot be read, and for a `pairs.csv` without pairs or with a bad row.
    """
    root = Path(root)
    if not os.path.isdir(root):  # unlike Path.is_dir, False where looking is forbidden
        raise InputError(f"{root} is not a folder; give the folder of a stereo dataset")
    if os.path.isfile(root / "pairs.csv"):
        return _listed(root), []
    pairs, orphans = _match(sorted(list_pictures(root, VIEWS), key=lambda path: (_rank(path), path)))
    scenes = [Scene(name or root.resolve().name, root / left, root / right) for name, left, right in pairs]
    if single_files:
        taken = {*orphans, *(path for pair in pairs for path in pair)}  # names and views
        single = [path for path in sorted(list_pictures(root, SINGLE)) if path not in taken]
        stems = Counter(os.path.splitext(path)[0] for path in single)
        names = {path: stem if stems[stem] == 1 else path for path in single for stem in [os.path.splitext(path)[0]]}
        scenes += [Scene(name, root / path) for path, name in names.items() if name not in taken]
    scenes.sort(key=lambda scene: (_natural(scene.name), str(scene.left)))
    return scenes, [root / orphan for orphan in sorted(orphans, key=_natural)]


def _match(paths: list[str]) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Apply the table; return (name, left, right) per pair, and the orphans."""
    pairs: dict[tuple[str, str], tuple[str, str]] = {}  # (dataset, scene) -> (left, right)
    settled: set[str] = set()  # views of scenes that have their pair
    waiting: dict[str, list[tuple[str, str]]] = defaultdict(list)  # view -> scenes it may belong to
    for dataset, pattern, *words in LAYOUTS:
        free = [path for path in paths if path not in settled]
        lefts, rights = (_views(free, pattern, word) for word in words)
        for name in lefts.keys() | rights.keys():
            scene = dataset, name
            if scene not in pairs and name in lefts and name in rights:
                pairs[scene] = min(product(lefts[name], rights[name]), key=_suffixes_differ)
            for path in lefts[name] + rights[name]:
                if scene in pairs:
                    settled.add(path)
                else:
                    waiting[path].append(scene)
    orphans = [path for path, scenes in waiting.items() if path not in settled and not pairs.keys() & set(scenes)]
    return [(name, *views) for (_, name), views in pairs.items()], orphans


def _views(paths: list[str], pattern: str, word: str) -> dict[str, list[str]]:
    """Return scene name -> the paths that fit the pattern, in the order given."""
    pattern = pattern.replace("IN", "(?:.*/)?").replace("NAME", "[^/]+").replace("VIEW", word)
    expression = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    views = defaultdict(list)
    for path in paths:
        if match := expression.fullmatch(os.path.splitext(path)[0]):
            views["".join(match.groups()).strip("/")].append(path)
    return views


def _suffixes_differ(pair: tuple[str, str]) -> bool:
    return _rank(pair[0]) != _rank(pair[1])


def _rank(path: str) -> int:
    return VIEWS.index(os.path.splitext(path)[1][1:].lower())


def list_pictures(root: Path, suffixes: tuple[str, ...] = SUFFIXES) -> Iterator[str]:
    """Yield the pictures below the root as relative paths with slashes, without hidden ones (macOS leaves `._x.png`).

    Links are followed, because datasets are often linked together from several disks, but no folder is entered twice.
    """
    entered = set()
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=_unreadable):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in entered:
            subfolders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in names:
            if not name.startswith(".") and os.path.splitext(name)[1][1:].lower() in suffixes:
                yield (Path(folder) / name).relative_to(root).as_posix()


def _unreadable(error: OSError) -> None:
    raise InputError(f"cannot read the folder {error.filename}: {error.strerror}") from error


def _listed(root: Path) -> list[Scene]:
    """Read `pairs.csv`."""
    table = root / "pairs.csv"
    try:
        rows = _rows(table.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table} cannot be read as a table of paths in UTF-8: {error}") from error
    scenes = []
    for line, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (line == 1 and [cell.lower() for cell in cells] == ["left", "right"]):
            continue
        if len(cells) != 2:
            raise InputError(
                f"{table}, line {line} has {len(cells)} columns; expected two, left and right, with a comma, a "
                f'semicolon or a tab between them (and "quotes" around a path that has one)'
            )
        for cell in cells:
            if not os.path.isfile(root / cell):
                hint = "; write / for \\" if "\\" in cell else ""
                raise InputError(f"{table}, line {line} names {cell!r}, which is no file in {root}{hint}")
        scenes.append(Scene(_name_below(cells[0]), root / cells[0], root / cells[1]))
    if not scenes:
        raise InputError(f"{table} lists no pair; expected two columns of relative paths: left, right")
    return scenes


def _name_below(path: str) -> str:
    """A name made of a path, without what leads out of a folder: outputs are called by it."""
    parts = Path(os.path.normpath(path)).with_suffix("").parts
    return "/".join(part for part in parts if part not in ("..", os.path.sep, Path(path).anchor))


def _rows(lines: list[str]) -> list[list[str]]:
    """The table, by the delimiter that makes two columns of most lines."""
    tables = [list(csv.reader(lines, delimiter=delimiter)) for delimiter in DELIMITERS]
    return max(tables, key=lambda rows: sum(len(row) == 2 for row in rows))


def _natural(name: str) -> tuple[list[int | str], str]:
    """Sort key that reads digits as numbers."""
    return [int(part) if part.isdecimal() else part.lower() for part in re.split(r"(\d+)", name)], name
