"""What a mask file means, held against a loop over its pixels."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image, ImageOps

from cozad_teach.data.images import Frame, ImageFile
from cozad_teach.data.masks import read_mask, resize_mask
from cozad_teach.errors import CozadError

NAME = "ground_truth/cut/000_mask.png"
HEIGHT, WIDTH = 23, 41
SIZE = (HEIGHT, WIDTH)
RNG = np.random.default_rng(5)
DEFECT = RNG.random(SIZE) < 0.1
FRAME = Frame(SIZE, 1)


def as_file(image: np.ndarray | Image.Image, kind: str = "PNG", **options: object) -> ImageFile:
    stream = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(stream, kind, **options)
    return ImageFile(NAME, stream.getvalue)


def covered(at: int, old: int, new: int) -> list[int]:
    """Which of `old` pixels one of `new` pixels stands for, in exact numbers."""
    if new > old:
        return [int((at + Fraction(1, 2)) * old / new)]
    first, last = Fraction(at * old, new), Fraction((at + 1) * old, new)
    return [i for i in range(old) if i < last and i + 1 > first]


def slowly(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    resized = np.zeros(size, bool)
    for y in range(size[0]):
        for x in range(size[1]):
            for i in covered(y, mask.shape[0], size[0]):
                for j in covered(x, mask.shape[1], size[1]):
                    resized[y, x] |= mask[i, j]
    return resized


def test_resizing_agrees_with_a_loop_and_loses_no_defect() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        height, width, *size = rng.integers(1, 14, 4)
        mask = rng.random((height, width)) < rng.choice([0.02, 0.2, 0.9])
        resized = resize_mask(mask, (int(size[0]), int(size[1])))
        np.testing.assert_array_equal(resized, slowly(mask, resized.shape))
        assert resized.any() == mask.any()


def test_a_single_pixel_survives_wherever_it_is() -> None:
    for place in np.ndindex(30, 21):
        mask = np.zeros((30, 21), bool)
        mask[place] = True
        assert 1 <= resize_mask(mask, (4, 3)).sum() <= 4


def test_a_mask_of_its_size_comes_out_as_it_is() -> None:
    mask = read_mask(as_file(DEFECT * np.uint8(255)), FRAME)
    assert mask.pixels.dtype == np.bool_ and mask.notes == ()
    np.testing.assert_array_equal(mask.pixels, DEFECT)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_mask_on_stored_pixels_is_turned_as_pillow_turns_its_image(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(DEFECT * np.uint8(255))
    stored.getexif()[0x0112] = orientation
    shown = np.asarray(ImageOps.exif_transpose(stored)) > 0
    frame = Frame(shown.shape, orientation)
    if orientation >= 5:
        turned = read_mask(as_file(DEFECT * np.uint8(255)), frame)
        assert turned.notes == ("was drawn on the stored pixels: it is turned as its image is",)
        np.testing.assert_array_equal(turned.pixels, shown)
        upright = read_mask(as_file(shown * np.uint8(255)), frame)
        assert upright.notes == ()
        np.testing.assert_array_equal(upright.pixels, shown)
    else:
        with pytest.raises(CozadError, match="fits its image both as it is stored and as it is"):
            read_mask(as_file(DEFECT * np.uint8(255)), frame)
    own = read_mask(as_file(DEFECT * np.uint8(255), exif=exif), frame)
    np.testing.assert_array_equal(own.pixels, shown)


def test_a_turned_and_larger_mask_is_turned_and_shrunk() -> None:
    large = np.kron(DEFECT, np.ones((3, 3), bool))
    mask = read_mask(as_file(np.rot90(large) * np.uint8(255)), Frame(SIZE, 6))
    np.testing.assert_array_equal(mask.pixels, DEFECT)
    assert len(mask.notes) == 2 and "123 x 69 pixels, its image 41 x 23: it is" in mask.notes[1]


@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (HEIGHT, WIDTH + 2), (HEIGHT * 2, WIDTH)])
def test_another_shape_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(CozadError) as caught:
        read_mask(as_file(DEFECT), Frame(size, 1))
    assert str(caught.value) == (
        f"{NAME} has 41 x 23 pixels, its image {size[1]} x {size[0]}: they do not belong together; "
        "draw the mask on the image as it is shown"
    )


# Values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1], [False, True]),
        ([0, 255], [False, True]),
        ([0, 236], [False, True]),
        ([3, 9], [False, True]),  # of two values the higher
        ([0, 0], [False, False]),
        ([7, 7], [True, True]),
        ([0, 1, 2, 3], [False, True, True, True]),  # numbers of kinds
        ([0, 5, 63], [False, True, True]),
        ([0, 128, 255], [False, True, True]),
        ([0, 250, 255], [False, True, True]),
        ([0, 1, 255], None),
        ([0, 2, 254, 255], None),
        ([0, 31, 255], None),
        ([0, 2, 130], None),
        ([1, 2, 3, 250], None),
    ],
)
def test_which_values_are_the_defect(values: list[int], expected: list[bool] | None) -> None:
    row = np.array([values], np.uint8)
    frame = Frame((1, len(values)), 1)
    if expected is None:
        with pytest.raises(CozadError, match=r"has values near 0 and near .* save it as PNG with"):
            read_mask(as_file(row), frame)
    else:
        assert read_mask(as_file(row), frame).pixels[0].tolist() == expected


@pytest.mark.parametrize(("highest", "half"), [(255, "128"), (250, "128"), (130, "65.5")])
def test_the_remedy_separates_the_two(highest: int, half: str) -> None:
    spoilt = np.array([[0, 2, highest - 1, highest]], np.uint8)
    with pytest.raises(CozadError, match=f"threshold it at {half} and save"):
        read_mask(as_file(spoilt), Frame((1, 4), 1))


def test_the_owner_of_lossy_masks_may_vouch_for_them() -> None:
    spoilt = as_file(np.array([[0, 3, 127, 128, 255]], np.uint8))
    found = read_mask(spoilt, Frame((1, 5), 1), threshold=True)
    assert found.pixels[0].tolist() == [False, False, False, True, True]
    # Whatever he says, a mask of 1 in a lossy file is lost, and must not come out empty.
    faint = as_file(np.array([[0, 1, 2, 90]], np.uint8))
    with pytest.raises(CozadError, match="near 0 and near 90"):
        read_mask(faint, Frame((1, 4), 1), threshold=True)


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_no_jpeg_of_a_mask_passes(quality: int) -> None:
    with pytest.raises(CozadError, match="threshold it at"):
        read_mask(as_file(DEFECT * np.uint8(255), "JPEG", quality=quality), FRAME)


def test_deep_and_coloured_masks() -> None:
    for values in (
        DEFECT.astype(np.uint16),
        DEFECT.astype(np.uint16) * 65535,
        DEFECT.astype(np.int32) * 100_000,
        DEFECT.astype(np.float32),
        np.dstack([DEFECT * np.uint8(0), DEFECT * np.uint8(1), DEFECT * np.uint8(0)]),
    ):
        kind = "TIFF" if values.dtype in (np.int32, np.float32) else "PNG"
        np.testing.assert_array_equal(read_mask(as_file(values, kind), FRAME).pixels, DEFECT)


def test_a_palette_of_many_greys_is_read_by_its_colours() -> None:
    """As a program that saves bytes orders it: the numbers say nothing, and the noise shows."""
    values = np.where(DEFECT, 255, 0).astype(np.uint8)
    values[0, :4] = [3, 2, 250, 254]
    spoilt = Image.fromarray(values).convert("RGB").quantize(8)
    with pytest.raises(CozadError, match="has values near 0 and near"):
        read_mask(as_file(spoilt), FRAME)


@pytest.mark.parametrize(("share", "said"), [(0.55, True), (0.45, False)])
def test_a_mask_that_covers_most_is_remarked(share: float, said: bool) -> None:
    mask = np.ones((10, 20), np.uint8)
    mask.ravel()[: round(200 * (1 - share))] = 0
    notes = read_mask(as_file(mask), Frame((10, 20), 1)).notes
    assert notes == (f"is anomalous in {share:.0%} of its pixels: is it inverted?",) * said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (as_file(DEFECT * np.uint8(255)).read_bytes()[:80], "damaged"),
        (b"<html>", "is not a PNG"),
        (as_file(np.dstack([DEFECT * np.uint8(255)] * 4)).read_bytes(), "has transparency"),
        (as_file(Image.new("CMYK", (WIDTH, HEIGHT)), "TIFF").read_bytes(), "colour mode CMYK"),
    ],
)
def test_masks_that_cannot_be_read_are_named(content: bytes, reason: str) -> None:
    with pytest.raises(CozadError, match=f"^{NAME} .*{reason}|^{NAME} {reason}"):
        read_mask(ImageFile(NAME, lambda: content), FRAME)


def test_sixteen_bits_of_colour_are_refused() -> None:
    """Pillow keeps the upper half of each value: a mask of 0 and 1 would come out empty."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    rows = b"".join(b"\0" + struct.pack(">6H", *[v] * 6) for v in (0, 1))
    content = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(CozadError, match="more than 8 bits per channel, and colours: save it as"):
        read_mask(ImageFile(NAME, lambda: content), Frame((2, 2), 1))
