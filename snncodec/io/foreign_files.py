"""The first bytes of a file that is no picture come in; what it is instead goes out, in words."""

STARTS = {
    b"version https://git-lfs": "a Git LFS pointer and not the picture itself; run git lfs pull",
    b"SNNC": "a file of snncodec; decode it instead",
    b"<!doctype": "a web page and not a picture; was the download refused?",
    b"<html": "a web page and not a picture; was the download refused?",
    b"<svg": "an SVG drawing; render it to PNG first",
    b"<?xml": "an XML file and not a picture",
    b"%PDF": "a PDF; export its pages as PNG first",
    b"PK\x03\x04": "a ZIP archive; unpack it first",
    b"Pf\n": "a PFM depth map, which a lossy codec would spoil",
    b"v/1\x01": "an OpenEXR file; convert it to 8-bit RGB first",
    b"\x89HDF": "an HDF5 file and not a picture",
}


def what_it_is(start: bytes) -> str | None:
    """Words for what starts like this, or None where that is not known."""
    if not start:
        return "empty"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((words for known, words in STARTS.items() if text.startswith(known.lower())), None)
