"""Make empties and deletes only what it made in this very folder; all else stays, byte for byte."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_uv import FakeUv
from small_repository import STANDALONE

import own_folder
import set_up
from set_up import READY, SetUpError, ensure

REPOSITORY = Path(set_up.__file__).parents[2]
uv = FakeUv()
NAMESPACE = ["unshare", "--map-root-user", "--mount"]  # mounts made in it are seen only in it


def write(folder: Path, *names: str) -> Path:
    """Fill a folder with files of the user."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"the user's {name}")
    return folder


def checkout(root: Path, *, ready: bool = False) -> Path:
    """Make a repository of this kit's Makefile and set-up, with a finished .venv if asked for."""
    (root / "book/_tools").mkdir(parents=True)
    shutil.copy(REPOSITORY / "Makefile", root)
    for name in STANDALONE:
        shutil.copy(REPOSITORY / "book/_tools" / name, root / "book/_tools")
    (root / "requirements.lock").write_text("numpy==1.0\n")
    (root / "pyproject.toml").write_text("[project]\n")
    if ready:
        assert ensure(root, "", uv)
    return root


def tree(folder: Path) -> dict[str, object]:
    """All that a folder holds: the bytes of files, where links lead, what else there is."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        content: object = stat.S_IFMT(mode)
        if stat.S_ISLNK(mode):
            content = os.readlink(path)
        elif stat.S_ISREG(mode):
            content = path.read_bytes()
        found[str(path.relative_to(folder))] = content
    own = [n for n in found if n.endswith(".venv.lock") or "_tools/__pycache__" in n]
    return {name: content for name, content in found.items() if name not in own}


def make(
    root: Path, target: str, mount: tuple[Path, Path] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run make, with the first folder mounted on the second if any are given."""
    command = ["make", "-C", str(root), target, f"PYTHON={sys.executable}"]
    if mount:
        script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
        command = [*NAMESPACE, "sh", "-c", script, "sh", *map(str, mount), *command]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def spoken(result: subprocess.CompletedProcess[str]) -> str:
    """The one sentence that make's own lines surround."""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("make: ***")]
    (sentence,) = [line for line in lines if not line.startswith("make[")]
    return sentence


# What stands in the place of .venv: each function puts it there and gives the sentence's start.


def link_to_a_shared_environment(root: Path) -> str:
    other = checkout(root.with_name("teacher"), ready=True)
    (root / ".venv").symlink_to(other / ".venv")
    return f"is a link, which make neither follows nor deletes: remove it (rm '{root}/.venv')"


def link_to_a_folder_of_the_user(root: Path) -> str:
    (root / ".venv").symlink_to(write(root.with_name("photographs"), "a.jpg"))
    return "is a link"


def link_to_its_own_moved_environment(root: Path) -> str:
    ensure(root, "", uv)
    (root / ".venv").rename(root.with_name("larger disk"))
    (root / ".venv").symlink_to("../larger disk")
    return "is a link"


def dangling_link(root: Path) -> str:
    (root / ".venv").symlink_to("nowhere")
    return "is a link"


def link_to_a_file(root: Path) -> str:
    (root / ".venv").symlink_to(write(root.parent, "thesis.txt") / "thesis.txt")
    return "is a link"


def file(root: Path) -> str:
    write(root, ".venv")
    return f"is not a folder: move it away (mv -n '{root}/.venv' '{root}/.venv.old')"


def pipe(root: Path) -> str:
    os.mkfifo(root / ".venv")
    return "is not a folder"


def environment_made_by_hand(root: Path) -> str:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / ".venv"], check=True)
    return (
        "was not made in this place by make (it is your own, a copy, or was moved): if you do not"
        f" need it, delete it (rm -r '{root}/.venv')"
    )


def environment_of_conda(root: Path) -> str:
    write(root / ".venv", "conda-meta/history", "bin/python")
    return "was not made in this place by make"


def folder_of_the_user(root: Path) -> str:
    write(root / ".venv", "notes/a.txt")
    return "was not made in this place by make"


def environment_of_another_checkout(root: Path) -> str:
    other = checkout(root.with_name("other"), ready=True)
    shutil.copytree(other / ".venv", root / ".venv", symlinks=True)
    return "was not made in this place by make"


def environment_of_another_checkout_moved_here(root: Path) -> str:
    checkout(root.with_name("other"), ready=True)
    root.with_name("other").joinpath(".venv").rename(root / ".venv")
    return "was not made in this place by make"


def copied_checkout(root: Path) -> str:
    shutil.rmtree(root)
    shutil.copytree(checkout(root.with_name("first"), ready=True), root, symlinks=True)
    return "was not made in this place by make (it is your own, a copy, or was moved)"


def moved_checkout(root: Path) -> str:
    shutil.rmtree(root)
    checkout(root.with_name("first"), ready=True).rename(root)
    return "was not made in this place by make (it is your own, a copy, or was moved)"


def copy_in_the_place_of_the_original(root: Path) -> str:
    ensure(root, "", uv)
    root.rename(root.with_name("first"))
    shutil.copytree(root.with_name("first"), root, symlinks=True)
    (root / "requirements.lock").write_text("numpy==2.0\n")
    return "was not made in this place by make"


def own_environment_made_anew_by_hand(root: Path) -> str:
    ensure(root, "", uv)
    command = [sys.executable, "-m", "venv", "--without-pip", "--clear", root / ".venv"]
    subprocess.run(command, check=True)
    return "was not made in this place by make"


def link_inside(root: Path, name: str = "tmp") -> str:
    ensure(root, "", uv)
    (root / ".venv" / name).parent.mkdir(parents=True, exist_ok=True)
    (root / ".venv" / name).symlink_to(write(root.with_name("elsewhere"), "a.txt"))
    (root / "requirements.lock").write_text("numpy==2.0\n")
    return f"holds a link that leads out of it: remove it (rm '{root}/.venv/{name}')"


def library_that_is_a_link(root: Path) -> str:
    return link_inside(root, "lib/python3/site-packages")


def package_that_is_a_link(root: Path) -> str:
    return link_inside(root, "lib/python3/site-packages/numpy")


def checkout_inside(root: Path) -> str:
    ensure(root, "", uv)
    write(root / ".venv", "src/package/.git/HEAD", "src/package/own_work.py")
    (root / "requirements.lock").write_text("numpy==2.0\n")
    return f"holds a git checkout: move that elsewhere (it is in {root}/.venv/src/package)"


STANDS = [
    link_to_a_shared_environment,
    link_to_a_folder_of_the_user,
    link_to_its_own_moved_environment,
    dangling_link,
    link_to_a_file,
    file,
    pipe,
    environment_made_by_hand,
    environment_of_conda,
    folder_of_the_user,
    environment_of_another_checkout,
    environment_of_another_checkout_moved_here,
    copied_checkout,
    moved_checkout,
    copy_in_the_place_of_the_original,
    own_environment_made_anew_by_hand,
    link_inside,
    library_that_is_a_link,
    package_that_is_a_link,
    checkout_inside,
]


@pytest.mark.parametrize("stands", STANDS, ids=lambda function: function.__name__)
def test_what_set_up_did_not_make_here_is_refused_and_stays(
    tmp_path: Path, stands: Callable[[Path], str]
) -> None:
    root = checkout(tmp_path / "a kit")
    expected = stands(root)
    before = tree(tmp_path)
    result = make(root, "setup")
    assert result.returncode == 2
    assert spoken(result).startswith(f"set-up: {root}/.venv {expected}")
    assert spoken(result).endswith(", then run make again")
    assert result.stdout.count("set-up") == 0, "nothing was begun"
    assert tree(tmp_path) == before

    result = make(root, "distclean")
    assert result.returncode == 2
    assert spoken(result).startswith(f"make distclean: {root}/.venv {expected}")
    assert tree(tmp_path) == before


@pytest.fixture(scope="module")
def bind_mounts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where the kernel lets nobody but its administrator mount; see the simulated ones too."""
    if not shutil.which("unshare"):
        pytest.skip("this machine has no unshare, by which only a test sees its mounts")
    folder = tmp_path_factory.mktemp("mount")
    command = [*NAMESPACE, "mount", "--bind", str(folder), str(folder)]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"this machine allows no bind mount: {tried.stderr.strip()}")


def mounted_shared_environment(root: Path) -> tuple[Path, Path]:
    other = checkout(root.with_name("teacher"), ready=True)
    (root / ".venv").mkdir()
    return other / ".venv", root / ".venv"


def mounted_own_environment(root: Path) -> tuple[Path, Path]:
    ensure(root, "", uv)
    (root / ".venv").rename(root.with_name("larger disk"))
    (root / ".venv").mkdir()
    return root.with_name("larger disk"), root / ".venv"


def mounted_empty_folder(root: Path) -> tuple[Path, Path]:
    (root / ".venv").mkdir()
    root.with_name("empty").mkdir()
    return root.with_name("empty"), root / ".venv"


def mounted_photographs_inside(root: Path) -> tuple[Path, Path]:
    ensure(root, "", uv)
    (root / "requirements.lock").write_text("numpy==2.0\n")
    (root / ".venv/my data").mkdir()
    return write(root.with_name("photographs"), "a.jpg"), root / ".venv/my data"


@pytest.mark.usefixtures("bind_mounts")
@pytest.mark.parametrize(
    "stands",
    [
        mounted_shared_environment,
        mounted_own_environment,
        mounted_empty_folder,
        mounted_photographs_inside,
    ],
    ids=lambda function: function.__name__,
)
@pytest.mark.parametrize("target", ["setup", "distclean"])
def test_a_mounted_folder_is_refused_and_stays(
    tmp_path: Path, stands: Callable[[Path], tuple[Path, Path]], target: str
) -> None:
    root = checkout(tmp_path / "a kit")
    mount = stands(root)
    assert not os.path.ismount(mount[1])
    before = tree(tmp_path)
    result = make(root, target, mount)
    assert result.returncode == 2
    expected = f"/.venv is, holds or lies in a mounted folder: unmount it (umount '{mount[1]}')"
    assert expected in spoken(result)
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("bind_mounts")
@pytest.mark.parametrize("target", ["setup", "distclean"])
def test_a_checkout_mounted_in_another_place_keeps_its_environment(
    tmp_path: Path, target: str
) -> None:
    root = checkout(tmp_path / "kit", ready=True)
    (tmp_path / "container").mkdir()
    before = tree(tmp_path)
    result = make(tmp_path / "container", target, (root, tmp_path / "container"))
    assert result.returncode == 2
    assert "/container/.venv was not made in this place by make" in spoken(result)
    assert tree(tmp_path) == before


def test_the_kernels_table_of_mounts_is_read_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout(tmp_path / "a kit", ready=True)
    table = tmp_path / "mountinfo"
    monkeypatch.setattr(own_folder, "MOUNTS", table)
    row = "63 43 254:0 /teacher/.venv {} rw,relatime shared:1 - ext4 /dev/vda rw\n"
    typed = str(root).replace(" ", "\\040")

    def said(point: str) -> str:
        table.write_text(row.format("/") + row.format(point))
        return own_folder.obstacle(root, ".venv")

    for near in ("/.venv", "/.venv/lib\\134n", "/.venv/d\\040a\\011b"):
        assert "mounted folder" in said(typed + near), near
    for far in ("", "/.venv2", "/datasets", "/.ven"):
        assert said(typed + far) == "", far
    (root / ".venv.lock").write_text("what set-up wrote")
    assert "mounted folder" in said(f"{typed}/.venv")
    with pytest.raises(SetUpError, match="mounted folder"):
        ensure(root, "", uv)
    table.write_text(row.format(f"{typed}/book"))
    assert "mounted folder" in own_folder.obstacle(root, "book/_build/html")


def test_without_that_table_the_disk_of_each_folder_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout(tmp_path / "kit", ready=True)
    photographs = write(root / ".venv/photographs", "a.jpg")
    monkeypatch.setattr(own_folder, "MOUNTS", tmp_path / "no Linux")
    monkeypatch.setattr(own_folder.os.path, "ismount", lambda path: path == str(photographs))
    assert own_folder.obstacle(root, ".venv") == ""
    assert f"(umount {photographs})" in own_folder.refusal(root, ".venv")


# What is ours is mended and deleted, whatever happened to it.


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return checkout(tmp_path / "kit", ready=True)


def rebuilt(root: Path) -> bool:
    """Whether the next set-up makes .venv anew."""
    (root / ".venv/kept").touch()
    assert ensure(root, "", uv)
    return not (root / ".venv/kept").exists()


def test_a_set_up_killed_at_its_first_steps_is_recovered(tmp_path: Path) -> None:
    root = checkout(tmp_path / "kit")
    (root / ".venv").mkdir()
    assert ensure(root, "", uv)
    shutil.rmtree(root / ".venv")
    (root / ".venv").mkdir()
    (root / ".venv" / own_folder.MARK).touch()
    assert ensure(root, "", uv)
    (root / READY).unlink()
    assert rebuilt(root)


def test_a_rebuild_killed_while_it_empties_is_recovered(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: str) -> None:
        raise KeyboardInterrupt

    (root / ".venv/bin/python").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(own_folder.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            ensure(root, "", uv)
    assert rebuilt(root)


def test_a_copy_that_came_back_to_its_place_is_used_while_nothing_is_to_be_done(root: Path) -> None:
    root.rename(root.with_name("backup"))
    shutil.copytree(root.with_name("backup"), root, symlinks=True)
    before = tree(root)
    assert not ensure(root, "", uv)
    assert tree(root) == before


def test_a_folder_moved_away_and_back_is_ours(root: Path) -> None:
    root.rename(root.with_name("away"))
    root.with_name("away").rename(root)
    (root / ".venv/bin/python").unlink()
    assert rebuilt(root)


@pytest.mark.parametrize("kind", ["link", "hard link", "folder", "pipe", "dangling link"])
def test_files_of_set_up_are_never_written_through_a_link(tmp_path: Path, kind: str) -> None:
    root, name = checkout(tmp_path / "kit"), ".venv.lock"
    thesis = write(tmp_path, "thesis.txt") / "thesis.txt"
    if kind == "folder":
        write(root / name, "a.txt")
    elif kind == "pipe":
        os.mkfifo(root / name)
    elif kind == "hard link":
        os.link(thesis, root / name)
    else:
        (root / name).symlink_to(thesis if kind == "link" else tmp_path / "nowhere")
    result = make(root, "setup")
    assert result.returncode == 2
    said = "is a link" if "hard" not in kind and "link" in kind else "is not a file that make wrote"
    assert spoken(result).startswith(f"set-up: {root / name} {said}")
    assert spoken(result).endswith(", then run make again")
    assert thesis.read_text() == "the user's thesis.txt"
    assert not (tmp_path / "nowhere").exists()
    result = make(root, "distclean")
    assert thesis.read_text() == "the user's thesis.txt"
    assert os.path.lexists(root / name)
    assert spoken(result).startswith(f"make distclean: {root / name} {said}")
    assert result.returncode == 2


# make clean and make distclean.

BUILT = [
    "book/_build/html/index.html",
    "book/_build/check/index.html",
    "book/_build/executed/chapters/a.0123456789abcdef.ipynb",
    "book/_build/.source-x1/book/index.md",
    "book/assets/.vendor-x1/a.js",
    ".pytest_cache/README.md",
    ".mypy_cache/3.11/a.json",
    ".hypothesis/examples/1",
    "cozad_teach.egg-info/PKG-INFO",
    "cozad_teach/__pycache__/a.cpython-311.pyc",
    "tests/data/__pycache__/a.cpython-311.pyc",
]
DOWNLOADED = [
    "build/uv/bin/uv",
    "book/assets/vendor/.fetched",
    "book/assets/vendor/require.js",
    "build/axe-core/.fetched",
    "build/ipython/profile_default/history.sqlite",
    "build/results/table.md",
    "build/unseen-4-4-abc/wood/a.png",
    "build/requirements.txt",
]
THE_USERS = [
    "datasets/bottle/__pycache__/a.pyc",
    "other_package.egg-info/PKG-INFO",
    "my_course/.git/HEAD",
    "my_course/__pycache__/a.cpython-311.pyc",
    "cozad_teach/fork/.git/HEAD",
    "cozad_teach/fork/__pycache__/a.cpython-311.pyc",
    "tests/environment/pyvenv.cfg",
    "tests/environment/lib/__pycache__/a.cpython-311.pyc",
    "cozad_teach/data/__pycache__/notes.txt",
    "book/_build/notes.txt",
    "book/api/index.md",
    "book/chapters/__pycache__/a.pyc",
    "build/student/01_first_result.ipynb",
    "build/runs/accuracy.jsonl",
    "build/thesis.txt",
]


def test_clean_and_distclean_delete_what_make_made_and_nothing_else(root: Path) -> None:
    bare = tree(checkout(root.with_name("bare")))
    write(root, *BUILT, *DOWNLOADED, *THE_USERS)
    everything = tree(root)

    def files() -> set[str]:
        return {name for name, content in tree(root).items() if isinstance(content, bytes)}

    result = make(root, "clean")
    assert result.returncode == 0, result.stderr
    assert files() == {n for n, x in everything.items() if isinstance(x, bytes)} - set(BUILT)
    result = make(root, "distclean")
    assert result.returncode == 0, result.stderr
    assert files() == {n for n, x in bare.items() if isinstance(x, bytes)} | set(THE_USERS)
    assert all(tree(root)[name] == everything[name] for name in THE_USERS)
    assert "make distclean: build keeps runs, student, thesis.txt\n" in result.stdout
    assert make(root, "distclean").returncode == 0


def test_clean_leaves_no_empty_folders_of_its_own(root: Path) -> None:
    write(root, *BUILT, *DOWNLOADED)
    assert make(root, "distclean").returncode == 0
    for name in ("book/_build", "build", ".venv", "cozad_teach/__pycache__"):
        assert not (root / name).exists(), name


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("book/_build", "html/index.html"),
        ("book/_build/html", "index.html"),
        (".mypy_cache", "a.json"),
        ("build", "axe-core/.fetched"),
        ("build/axe-core", ".fetched"),
        ("book/assets/vendor", ".fetched"),
        ("book/assets", "vendor/.fetched"),
    ],
)
def test_links_in_the_place_of_what_make_writes(root: Path, name: str, inside: str) -> None:
    elsewhere = write(root.with_name("elsewhere"), inside, "a.txt")
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(elsewhere)
    before = tree(elsewhere)
    result = make(root, "distclean")
    assert result.returncode == 2
    assert f"make distclean: {root / name}" in spoken(result)
    assert "link, which make" in spoken(result)
    assert tree(elsewhere) == before
    assert (root / name).is_symlink()


@pytest.mark.usefixtures("bind_mounts")
@pytest.mark.parametrize("name", ["book/_build", "book/_build/html", "book", "cozad_teach"])
def test_clean_does_not_reach_into_a_mounted_folder(root: Path, name: str) -> None:
    elsewhere = write(root.with_name("elsewhere"), "_build/html/a", "html/a", "a.html")
    shutil.copytree(root / "book/_tools", elsewhere / "_tools")
    write(elsewhere, "__pycache__/a.cpython-311.pyc", "_tools/__pycache__/a.cpython-311.pyc")
    (root / name).mkdir(parents=True, exist_ok=True)
    before = tree(elsewhere)
    result = make(root, "clean", (elsewhere, root / name))
    assert tree(elsewhere) == before
    assert result.returncode == (0 if name == "cozad_teach" else 2)
    assert name == "cozad_teach" or "unmount it" in spoken(result)


def test_a_checkout_among_the_pages_stays(root: Path) -> None:
    write(root / "book/_build/html", ".git", "CNAME", "index.html")  # a worktree of the pages
    before = tree(root)
    result = make(root, "clean")
    assert result.returncode == 2
    assert "_build/html holds a git checkout: move that elsewhere" in spoken(result)
    assert tree(root) == before


def test_a_vendor_folder_that_was_not_fetched_stays(root: Path) -> None:
    write(root / "book/assets/vendor", "own.js")
    result = make(root, "distclean")
    assert result.returncode == 2
    assert "book/assets/vendor was not fetched by make: move it away" in spoken(result)
    assert (root / "book/assets/vendor/own.js").read_text() == "the user's own.js"


def test_git_ignores_the_same_names_as_folders_and_as_links(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / ".gitignore", tmp_path)
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    names = [".venv", "build", "datasets", "book/_build", "book/assets/vendor", ".mypy_cache"]
    names += ["cozad_teach/__pycache__", "book/chapters/.ipynb_checkpoints", "cozad_teach.egg-info"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to("elsewhere")
    command = [*git, "status", "--porcelain", "--untracked-files=all"]
    assert subprocess.check_output(command, text=True) == "?? .gitignore\n"
    command = ["git", "-C", str(REPOSITORY), "ls-files", "--cached", "--ignored"]
    assert subprocess.check_output([*command, "--exclude-standard"], text=True) == ""


@pytest.mark.parametrize("target", ["setup", "clean", "distclean"])
def test_without_python_make_says_so(root: Path, target: str) -> None:
    command = ["make", "-C", str(root), target, "PYTHON=python3.0"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert spoken(result).startswith("make: there is no python3.0: install Python 3.11 or later")
