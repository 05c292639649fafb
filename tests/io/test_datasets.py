"""Promises of snncodec.io.datasets: views are paired by name in every known layout, and orphans are reported."""

import pytest

from snncodec.errors import InputError
from snncodec.io.datasets import find_pairs, list_pairs


@pytest.fixture
def make(tmp_path):
    def make(*names):
        for name in names:
            path = tmp_path / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "root"

    return make


def found(root):
    scenes, orphans = find_pairs(root)
    short = [(s.name, *(file.relative_to(root).as_posix() for file in s.files)) for s in scenes]
    return short, [path.relative_to(root).as_posix() for path in orphans]


CITY = "train/aachen/aachen_000000_000019"
LAYOUTS = {
    "scene folders": ("a/b", "a/b/left.png", "a/b/right.png"),
    "one scene": ("root", "left.png", "right.png"),
    "mixed types": ("s", "s/left.png", "s/right.jpg"),
    "upper case": ("s", "s/Left.PNG", "s/Right.PNG"),
    "kitti 2012": ("training/000000_10", "training/colored_0/000000_10.png", "training/colored_1/000000_10.png"),
    "kitti 2012 grey": ("000000_10", "image_0/000000_10.png", "image_1/000000_10.png"),
    "kitti 2015": ("training/000000_11", "training/image_2/000000_11.png", "training/image_3/000000_11.png"),
    "kitti odometry": ("sequences/00/000007", "sequences/00/image_2/000007.png", "sequences/00/image_3/000007.png"),
    "kitti raw": ("d/s/0000000005", "d/s/image_02/data/0000000005.png", "d/s/image_03/data/0000000005.png"),
    "kitti raw grey": ("0000000005", "image_00/data/0000000005.png", "image_01/data/0000000005.png"),
    "middlebury 2014": ("Piano-perfect", "Piano-perfect/im0.png", "Piano-perfect/im1.png"),
    "middlebury 2006": ("Aloe", "Aloe/view1.png", "Aloe/view5.png"),
    "middlebury 2003": ("cones", "cones/im2.ppm", "cones/im6.ppm"),
    "cityscapes": (CITY, f"leftImg8bit/{CITY}_leftImg8bit.png", f"rightImg8bit/{CITY}_rightImg8bit.png"),
    "flickr1024": ("Train/0001", "Train/0001_L.png", "Train/0001_R.png"),
    "sintel": (
        "training/final/alley_1/f_01",
        "training/final_left/alley_1/f_01.png",
        "training/final_right/alley_1/f_01.png",
    ),
    "sintel clean": ("clean/cave_2/f_01", "clean_left/cave_2/f_01.png", "clean_right/cave_2/f_01.png"),
    "falling things": ("mixed/kitchen_0/000000", "mixed/kitchen_0/000000.left.jpg", "mixed/kitchen_0/000000.right.jpg"),
    "holopix50k": ("train/-L_x", "train/left/-L_x_left.jpg", "train/right/-L_x_right.jpg"),
    "left and right folders": ("clip/0006", "clip/left/0006.webp", "clip/right/0006.webp"),
    "photos of phones": ("a", "a_left.heic", "a_right.HEIC"),
    "left and right names": ("out", "out_left.png", "out_right.png"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_is_recognised(make, layout):
    name, left, right = LAYOUTS[layout]
    assert found(make(left, right)) == ([(name, left, right)], [])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("side", [1, 2])
def test_lone_view_is_no_pair(make, layout, side):
    with pytest.raises(InputError, match=r"no stereo pair in .* \(1 single views.*known layouts: .*KITTI"):
        find_pairs(make(LAYOUTS[layout][side]))


def test_missing_view_shifts_no_other_pair(make):
    root = make("image_2/1.png", "image_2/2.png", "image_2/3.png", "image_3/2.png", "image_3/3.png", "image_3/4.png")
    pairs = [(str(n), f"image_2/{n}.png", f"image_3/{n}.png") for n in (2, 3)]
    assert found(root) == (pairs, ["image_2/1.png", "image_3/4.png"])


def test_order_is_natural(make):
    root = make(*(f"s{n}/{side}.png" for n in (10, 9, 100, 1) for side in ("left", "right")))
    assert [name for name, *_ in found(root)[0]] == ["s1", "s9", "s10", "s100"]


def test_names_of_digits_and_letters_sort_together(make):
    root = make(*(f"{name}_{side}.png" for name in ("1", "a1", "a", "01", "1a") for side in "LR"))
    assert [name for name, *_ in found(root)[0]] == ["01", "1", "1a", "a", "a1"]


def test_colour_wins_over_grey_without_orphans(make):
    root = make("colored_0/1.png", "colored_1/1.png", "image_0/1.png", "image_1/1.png", "image_0/2.png")
    assert found(root) == ([("1", "colored_0/1.png", "colored_1/1.png")], ["image_0/2.png"])


def test_grey_is_used_where_colour_has_no_pair(make):
    root = make("colored_0/1.png", "image_0/1.png", "image_1/1.png")
    assert found(root) == ([("1", "image_0/1.png", "image_1/1.png")], [])


def test_exposure_and_lighting_variants_are_no_right_views(make):
    assert found(make("A/im0.png", "A/im1.png", "A/im1E.png", "A/im1L.png")) == ([("A", "A/im0.png", "A/im1.png")], [])
    with pytest.raises(InputError):
        find_pairs(make("../other/im0.png", "../other/im1E.png", "../other/im1L.png").parent / "other")


def test_nine_views_give_one_pair(make):
    assert found(make(*(f"tsukuba/im{n}.ppm" for n in range(9))))[0] == [
        ("tsukuba", "tsukuba/im2.ppm", "tsukuba/im6.ppm")
    ]


def test_png_wins_where_a_scene_has_several_types(make):
    assert found(make("s/left.jpg", "s/left.png", "s/right.jpg", "s/right.png", "s/left.tif")) == (
        [("s", "s/left.png", "s/right.png")],
        [],
    )
    assert found(make("t/left.jpg", "t/left.png", "t/right.jpg"))[0][1] == ("t", "t/left.jpg", "t/right.jpg")


def test_other_files_are_neither_pairs_nor_orphans(make):
    extra = (
        "s/left_disp.png",
        "s/disp0.pfm",
        "s/calib.txt",
        "s/._left.png",
        ".cache/left.png",
        "texture.png",
        "left.txt",
    )
    assert found(make("s/left.png", "s/right.png", *extra)) == ([("s", "s/left.png", "s/right.png")], [])


def test_several_datasets_below_one_root(make):
    root = make("k/image_2/1.png", "k/image_3/1.png", "f/1_L.png", "f/1_R.png", "m/im0.png", "m/im1.png")
    assert [name for name, *_ in found(root)[0]] == ["f/1", "k/1", "m"]


def test_maps_of_depth_and_segments_are_no_views(make):
    extra = ("t/1.left.depth.png", "t/1.right.depth.png", "t/1.left.seg.png", "disparities/alley_1/f_01.png")
    assert found(make("t/1.left.jpg", "t/1.right.jpg", *extra)) == ([("t/1", "t/1.left.jpg", "t/1.right.jpg")], [])


def test_two_renderings_of_sintel_are_pairs_of_their_own(make):
    root = make(*(f"{kind}_{view}/a/1.png" for kind in ("clean", "final") for view in ("left", "right")))
    assert [name for name, *_ in found(root)[0]] == ["clean/a/1", "final/a/1"]


def test_files_that_hold_both_views_are_pairs(make):
    root = make("DSCF2.MPO", "DSCF10.mpo", "x/a.jps", "x/b.pns", "x/c.heic", "single.jpg", ".hidden.mpo")
    expected = [
        ("DSCF2", "DSCF2.MPO"),
        ("DSCF10", "DSCF10.mpo"),
        ("x/a", "x/a.jps"),
        ("x/b", "x/b.pns"),
        ("x/c", "x/c.heic"),
    ]
    assert found(root) == (expected, [])
    assert list_pairs(root) == ([], [])


def test_files_of_one_stem_keep_their_extensions_as_names(make):
    root = make("a.mpo", "a.jps", "b.mpo")
    assert found(root) == ([("a.jps", "a.jps"), ("a.mpo", "a.mpo"), ("b", "b.mpo")], [])


def test_a_pair_in_two_files_comes_before_one_of_its_name_in_one(make):
    root = make("a_left.png", "a_right.png", "a.mpo", "b_left.mpo", "b_right.mpo", "c_left.mpo")
    pairs = [("a", "a_left.png", "a_right.png"), ("b", "b_left.mpo", "b_right.mpo")]
    assert found(root) == (pairs, ["c_left.mpo"])


def test_linked_folders_are_followed_once(make):
    root = make("real/left.png", "real/right.png")
    (root / "loop").symlink_to(root)
    (root.parent / "view").mkdir()
    (root.parent / "view" / "linked").symlink_to(root / "real")
    assert len(find_pairs(root)[0]) == 1
    assert find_pairs(root.parent / "view")[0][0].name == "linked"


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="none is not a folder"):
        find_pairs(tmp_path / "none")


@pytest.mark.parametrize("header", ["", "\ufeffleft,right\n", "Left, Right\n\n"])
def test_pairs_csv_decides_alone_and_in_its_order(make, header):
    root = make("x/b.png", "y/b.jpg", "a 1.png", "a,2.png", "left.png", "right.png")
    (root / "pairs.csv").write_text(f'{header}x/b.png, y/b.jpg\na 1.png,"a,2.png"\n', encoding="utf-8")
    assert found(root) == ([("x/b", "x/b.png", "y/b.jpg"), ("a 1", "a 1.png", "a,2.png")], [])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " ; "])
def test_pairs_csv_may_have_any_usual_delimiter(make, delimiter):
    root = make("a.png", "b.png", "c.png", "d.png")
    lines = (("left", "right"), ("a.png", "b.png"), ("c.png", "d.png"))
    (root / "pairs.csv").write_text("\r\n".join(delimiter.join(line) for line in lines))
    assert found(root) == ([("a", "a.png", "b.png"), ("c", "c.png", "d.png")], [])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"left,right\na.png\n", "line 2 has 1 columns"),
        (b"a.png a.png\n", "line 1 has 1 columns; expected two, left and right, with a comma, a semicolon or a tab"),
        (b"a.png;x\\\\a.png\n", r"line 1 names 'x.*a\.png', which is no file in .*; write / for"),
        (b"a.png,gone.png\n", "line 1 names 'gone.png'"),
        (b"a.png,\n", "line 1 names ''"),
        (b"left,right\n", "lists no pair"),
        (b"\xff\xfe,\n", "cannot be read"),
    ],
)
def test_bad_pairs_csv_is_refused_naming_the_line(make, content, reason):
    root = make("a.png")
    (root / "pairs.csv").write_bytes(content)
    with pytest.raises(InputError, match=reason):
        find_pairs(root)


def test_names_with_a_newline_are_names(tmp_path):
    (tmp_path / "li\nne").mkdir()
    for side in ("left", "right"):
        (tmp_path / "li\nne" / f"{side}.png").touch()
    assert [scene.name for scene in find_pairs(tmp_path)[0]] == ["li\nne"]
