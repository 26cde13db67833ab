"""A folder of pictures is read as what it plainly is, or refused with what was found."""

import os
from pathlib import Path

import pytest

from gan.data.tree import Tree, class_folders, read_tree
from gan.error import UserError

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def _tree(root: Path, *paths: str) -> Tree:
    """The tree of ``root`` with these files; ``{a,b}`` in a path stands for both."""
    for path in paths:
        for one in _spread(path):
            (root / one).parent.mkdir(parents=True, exist_ok=True)
            (root / one).touch()
    return read_tree(root)


def _spread(path: str) -> list[str]:
    if "{" not in path:
        return [path]
    before, _, rest = path.partition("{")
    names, _, after = rest.partition("}")
    return [one for name in names.split(",") for one in _spread(f"{before}{name}{after}")]


def _count(tree: Tree) -> tuple[int, int | None]:
    return len(tree.train), None if tree.test is None else len(tree.test)


@pytest.mark.parametrize("names", [WORDS, "0123456789", "০১২৩৪৫৬৭৮৯", [name.title() for name in WORDS]])
def test_the_labels_of_digits_are_their_values(names: list[str], tmp_path: Path) -> None:
    tree = _tree(tmp_path, *(f"{name}/x.png" for name in names))
    assert tree.names == list(names)
    assert [(path.parent.name, label) for path, label in tree.train] == [(name, i) for i, name in enumerate(names)]


def test_other_numbers_are_in_their_order_and_other_names_sorted(tmp_path: Path) -> None:
    assert _tree(tmp_path / "x", "{10,9,2}/x.png").names == ["2", "9", "10"]
    assert _tree(tmp_path / "y", "{dog,cat,7}/x.png").names == ["7", "cat", "dog"]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"), ("training", "testing"), ("Train", "Test"), ("TRAINING", "test"), ("train", "val"),
        ("train", "valid"), ("Training", "validation"), ("mnist_train", "mnist_test"), ("training set", "test set"),
        ("archive/data/train", "archive/data/test"), ("train/images", "test/images"), ("train_images", "test_images"),
    ],
)  # fmt: skip
def test_parts_are_no_classes_whatever_they_are_called(train: str, test: str, tmp_path: Path) -> None:
    tree = _tree(tmp_path, f"{train}/{{one,two}}/{{a,b}}.png", f"{test}/{{one,two}}/c.png")
    assert (tree.names, _count(tree)) == (["one", "two"], (4, 2))
    assert ("tested with" in tree.note) == test.lower().startswith("val")


def test_of_three_parts_the_middle_one_is_named_and_neither_trains_nor_tests(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "{train,val,test}/{one,two}/a.png", "old/one/a.png", "sheet.png")
    assert _count(tree) == (2, 2)
    assert "pictures of val, which neither trains nor tests: 2, such as val/one/a.png" in tree.skipped
    assert "pictures of old, which lies beside train: old/one/a.png" in tree.skipped
    assert "pictures beside the parts: sheet.png" in tree.skipped


def test_classes_one_level_deeper_are_found_and_said(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "archive/mnist/{0,1}/a.png", "readme.txt")
    assert (tree.names, tree.place) == (["0", "1"], tmp_path / "archive/mnist")
    assert tree.note == f"the only folder in {tmp_path}"
    assert _tree(tmp_path / "y", "{train,test}/images/{cat,dog}/a.png").names == ["cat", "dog"]


def test_folders_in_class_folders_are_of_the_class_unless_digits_lie_deeper(tmp_path: Path) -> None:
    assert _tree(tmp_path / "x", "{7,8}/{printed,written}/a.png").names == ["7", "8"]
    assert _tree(tmp_path / "y", "7/writer/a.png").names == ["7"]
    assert _tree(tmp_path / "w", "{cat,dog}/a.png", "cat/small/b.png").names == ["cat", "dog"]
    deep = _tree(tmp_path / "z", "{printed,written}/{seven,eight}/a.png")
    assert (deep.names, _count(deep)) == (["seven", "eight"], (4, None))
    assert deep.note == "whose classes are the folders in printed, written"


def test_pictures_without_class_folders_are_one_unlabelled_class(tmp_path: Path) -> None:
    assert _tree(tmp_path / "x", "{a,b}.png").names == ["unlabelled"]
    flat = _tree(tmp_path / "y", "train/{a,b}.png", "test/c.png")
    assert (flat.names, _count(flat)) == (["unlabelled"], (2, 1))


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["{small,large}/{cat,dog}/a.png"], r"large, small with cat, dog, and it is not plain which are the classes"),
        (["{1,2}/a.png", "1/2/b.png"], r"1/2 lies in one class and is called as another, 2"),
        (["{1,2,extra}/a.png", "extra/two/b.png"], r"extra/two lies in one class and is called as another, 2"),
        (["{1,2}/{train,test}/a.png"], r"1/test lies in a class folder: put its pictures into .*/test/1"),
        (["{train,Training}/{1,2}/a.png", "test/{1,2}/a.png"], r"has Training and train: keep the one that is"),
        (["test/{1,2}/a.png"], r"has test, but no train: put the folders of the classes to train with into .*/train"),
        (["{1,2}/a.png", "test/{1,2}/a.png"], r"has test, but no train"),
        (["{train,boat}/a.png"], r"has boat, train: is train a class\? rename it"),
        (["{train,test}/{1,2}/a.png", "test/3/a.png"], r"/test has the class 3, but .*/train does not"),
        (["{train,test}/{1,2}/a.png", "train/3/a.png"], r"/train has the class 3, but .*/test does not"),
        (["train/{1,2}/a.png", "test/a.png"], r"both need the same classes"),
        (["train/{1,2}/a.png", "test/readme.txt"], r"/test holds no pictures: fill it, or remove it"),
        (["{1,2}/a.png", "3/a.heic"], r"class folder .*/3 has no images; it has \.heic files: 3/a\.heic"),
        (["1/a.txt", "2/.hidden.png"], r"holds no pictures .* \.txt files: 1/a\.txt; hidden or .*: 2/\.hidden\.png"),
    ],
)
def test_what_is_not_plain_is_refused_with_what_was_found(paths: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        _tree(tmp_path, *paths)


@pytest.mark.parametrize(
    "junk",
    [
        ".ipynb_checkpoints/a.png", "__MACOSX/a.png", "@eaDir/a.png", "#recycle/a.png", "$RECYCLE.BIN/a.png", "._a.png",
        "System Volume Information/a.png", ".thumbnails/a.png", "Thumbs.db", "desktop.ini", "lost+found/a.png",
        ".git/a.png", ".DS_Store",
    ],
)  # fmt: skip
def test_what_systems_leave_is_no_picture_and_no_class(junk: str, tmp_path: Path) -> None:
    tree = _tree(tmp_path, "{one,two}/{a,b}.png", junk, f"one/{junk}", f"one/deeper/{junk}")
    assert (tree.names, len(tree.train)) == (["one", "two"], 4)
    assert tree.skipped == f"hidden or made by a system: 3, such as {junk.partition('/')[0]}"


def test_pipes_and_links_in_a_circle_are_named_and_never_opened(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    os.mkfifo(tmp_path / "one" / "pipe.png")
    for name, target in (("all", tmp_path), ("self.png", "self.png"), ("lost.png", "nowhere.png")):
        (tmp_path / "one" / name).symlink_to(target)
    (tmp_path / "three").symlink_to(tmp_path / "two")
    tree = _tree(tmp_path, "{one,two}/a.png")
    assert (tree.names, len(tree.train)) == (["one", "two"], 2)
    assert "links to folders that are read anyway: 2, such as " in tree.skipped
    assert "pipes, devices or broken links: 3, such as one/pipe.png" in tree.skipped


def test_names_in_any_encoding_are_read(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    for name in (b"\xff\xfe.png", "ü \n'\".png".encode(), b"-.PNG"):
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), b"one", name))).touch()  # noqa: PTH118
    assert len(_tree(tmp_path, "two/a.png").train) == 4


@pytest.mark.parametrize("name", ["what?", "a\nb", os.fsdecode(b"\xff"), " a"])
def test_a_folder_whose_name_names_no_class_is_refused(name: str, tmp_path: Path) -> None:
    _tree(tmp_path, f"{name}/a.png", "two/a.png")
    with pytest.raises(UserError, match=r"a name has 1 to 64 visible .*: rename that folder, or give all names in"):
        class_folders(str(tmp_path))


def test_accents_are_the_same_however_a_system_writes_them(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "train/{caf\u00e9,the}/a.png", "test/{cafe\u0301,the}/a.png")
    assert tree.names == ["café", "the"]


def test_folders_without_end_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is 32 folders deep"):
        _tree(tmp_path, "a/" * 40 + "x.png")


def test_a_folder_that_may_not_be_read_is_the_systems_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError):
        read_tree(tmp_path)
