"""The first bytes of a file that is no picture come in; what it is instead goes out, in words."""

RAW = "a raw file of a camera; develop it to 8-bit RGB first"
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
    b"#?RADIANCE": "a Radiance HDR file; convert it to 8-bit RGB first",
    b"v/1\x01": "an OpenEXR file; convert it to 8-bit RGB first",
    b"\x89HDF": "an HDF5 file and not a picture",
    b"\x93NUMPY": "a NumPy array; save it as PNG first, or encode it from Python",
    b"8BPS": "a Photoshop file; export it as PNG first",
    b"\xff\x0a": "a JPEG XL file; convert it to PNG first",
    b"\0\0\0\x0cJXL ": "a JPEG XL file; convert it to PNG first",
    b"II*\0\x10\0\0\0CR": RAW,
    b"IIRO": RAW,
    b"IIU\0": RAW,
    b"FUJIFILMCCD-RAW": RAW,
}
ISO_MEDIA = {b"crx ": RAW}  # brands of files with `ftyp`; all that are not read are films, or nearly
STILL = (b"avif", b"avis")


def what_it_is(start: bytes) -> str | None:
    """Words for what starts like this, or None where that is not known."""
    if not start:
        return "empty"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start[4:8] == b"ftyp" and start[8:12] not in STILL:
        return ISO_MEDIA.get(start[8:12], "a film; take its frames as PNG first")
    return next((words for known, words in STARTS.items() if text.startswith(known.lower())), None)
