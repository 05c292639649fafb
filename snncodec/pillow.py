"""A plugin for Pillow: after `import snncodec.pillow`, `Image.open` reads our files, and `Image.save` writes them.

The left view is frame 0, the right one frame 1 (`image.seek(1)`). Pixels are decoded when they are first needed; the
left view alone costs half of both. Saving takes both views:

    left.save("pair.bin", "SNNC", save_all=True, append_images=[right], quality=50)
"""

from __future__ import annotations

import io
from typing import IO, Any

import numpy as np
from PIL import Image, ImageFile

from snncodec.bitstream import container
from snncodec.errors import InputError, SnncodecError
from snncodec.io.exif import PREFIX, clean_exif
from snncodec.io.rgb import decode_picture

FORMAT = "SNNC"
OPTIONS = ("quality", "effort", "independent", "weights", "device")  # of `snncodec.encode`


class SnncodecImageFile(ImageFile.ImageFile):
    """A stereo pair as a picture of two frames. Damaged files raise OSError, as Pillow's own formats do."""

    format = FORMAT
    format_description = "snncodec stereo pair"
    n_frames = 2
    is_animated = True
    _data, _frame, _loaded = b"", 0, 0  # of a copy that was pickled, which has its pixels and no file
    _views: list[np.ndarray] = []  # noqa: RUF012  (never changed in place)

    def _open(self) -> None:
        assert self.fp
        self._data = self.fp.read()
        try:
            header, sections = container.read_header(self._data)
        except SnncodecError as error:
            raise SyntaxError(str(error)) from error  # Pillow's word for a file that is none of this format's
        self._mode, self._size = "RGB", (header.width, header.height)
        self.info["quality"] = header.quality
        for section in sections:
            if section.tag == container.Tag.ICC and section.state(self._data) == "ok":
                self.info["icc_profile"] = section.payload(self._data)
            if section.tag == container.Tag.EXIF and section.state(self._data) == "ok":
                exif = clean_exif(section.payload(self._data))
                self.info |= {"exif": PREFIX + exif} if exif else {}
        self._views: list[np.ndarray] = []  # those that are decoded, left first
        self._frame, self._loaded = 0, -1

    def seek(self, frame: int) -> None:
        """Go to the left view (0) or the right one (1); EOFError beyond."""
        if not 0 <= frame < self.n_frames:
            raise EOFError(f"a stereo pair has frames 0 and 1, not {frame}")
        self._frame = frame

    def tell(self) -> int:
        """The frame that is shown."""
        return self._frame

    def load(self) -> Any:
        """Decode what the present frame needs, if that was not done before."""
        if self._loaded != self._frame:
            self.fp = io.BytesIO(self._view().tobytes())
            self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 0, self.mode)]
            self._loaded = self._frame
        return super().load()

    def _view(self) -> np.ndarray:
        from snncodec.codec import decode

        if len(self._views) <= self._frame:
            _reject_large(*self.size)
            try:
                pair = decode(self._data, left_only=self._frame == 0)
            except SnncodecError as error:
                raise OSError(str(error)) from error
            self._views = [pair.left] if pair.right is None else [pair.left, pair.right]
        return self._views[self._frame]

    def load_seek(self, pos: int) -> None:
        """Pixels come from memory: there is nowhere to go."""


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(container.MAGIC)


def _save(image: Image.Image, file: IO[bytes], _name: str | bytes) -> None:
    raise InputError("a stereo pair has two views; pass save_all=True and append_images=[right]")


def _save_all(image: Image.Image, file: IO[bytes], _name: str | bytes) -> None:
    from snncodec.codec import encode

    options = dict(image.encoderinfo)
    others = list(options.get("append_images", []))
    if len(others) != 1:
        raise InputError(f"a stereo pair has two views; {1 + len(others)} were given")
    names = "the left view", "the right view"
    left, right = (  # of copies, which have no file whose header would be read again
        decode_picture(view.copy(), name, upright=True).pixels
        for name, view in zip(names, (image, others[0]), strict=True)
    )
    icc = options.get("icc_profile", image.info.get("icc_profile"))
    exif = options.get("exif", image.info.get("exif"))
    exif = exif.tobytes() if isinstance(exif, Image.Exif) else exif
    file.write(
        encode(left, right, icc=icc or None, exif=exif, **{key: options[key] for key in OPTIONS if key in options})
    )


def _reject_large(width: int, height: int) -> None:
    """Pillow's own limit against decompression bombs, with its warning and its error."""
    Image._decompression_bomb_check((width, height))


Image.register_open(FORMAT, SnncodecImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_save_all(FORMAT, _save_all)
