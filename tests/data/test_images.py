"""Images and masks: what is read, how, and the sentence each unusable file gets."""

from __future__ import annotations

import io
import struct
import threading
import time
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from cozad_teach.data.formats import READABLE
from cozad_teach.data.images import MAX_PIXELS, Frame, ImageFile, read_frame, read_image
from cozad_teach.errors import CozadError, printable

HEIGHT, WIDTH = 23, 41
SIZE = (HEIGHT, WIDTH)
RNG = np.random.default_rng(5)
COLOUR = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, SIZE, dtype=np.uint8)


def encoded(image: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def as_file(content: bytes, name: str = "test/good/000.png") -> ImageFile:
    return ImageFile(name, lambda: content)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG of a few bytes that declares any size; its pixels are missing."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def png_16_bit_rgb() -> bytes:
    rows = b"".join(b"\0" + row.tobytes() for row in COLOUR.astype(">u2") * 257)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def tiff_16_bit_rgb() -> bytes:
    """An uncompressed little-endian TIFF; Pillow cannot write one of this kind."""
    pixels = (COLOUR.astype("<u2") * 257).tobytes()
    at_bits, at_pixels = 200, 300
    entries = [
        (256, 4, 1, WIDTH),
        (257, 4, 1, HEIGHT),
        (258, 3, 3, at_bits),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, at_pixels),
        (277, 3, 1, 3),
        (278, 4, 1, HEIGHT),
        (279, 4, 1, len(pixels)),
    ]
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries) + b"\0" * 4
    head = (b"II*\0" + struct.pack("<I", 8) + directory).ljust(at_bits, b"\0")
    return (head + struct.pack("<HHH", 16, 16, 16)).ljust(at_pixels, b"\0") + pixels


def animated(kind: str) -> bytes:
    frames = [Image.fromarray(COLOUR), Image.fromarray(COLOUR[::-1].copy())]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def refusal(content: bytes, name: str = "test/good/000.png") -> str:
    """The one line of the error; it names the file and ends in a remedy."""
    with pytest.raises(CozadError) as caught:
        read_image(as_file(content, name))
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert name in sentence and ": " in sentence
    return sentence


# What works


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_colour_comes_back_exactly(kind: str) -> None:
    image = read_image(as_file(encoded(COLOUR, kind)))
    assert image.dtype == np.uint8 and image.shape == (HEIGHT, WIDTH, 3)
    assert image.flags.writeable and image.flags.c_contiguous
    np.testing.assert_array_equal(image, COLOUR)


def test_lossless_webp_comes_back_exactly() -> None:
    np.testing.assert_array_equal(
        read_image(as_file(encoded(COLOUR, "WEBP", lossless=True))), COLOUR
    )


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "JPEG"])
def test_grey_just_works(kind: str) -> None:
    content = encoded(GREY, kind)
    with Image.open(io.BytesIO(content)) as stored:
        assert stored.mode == "L"
        expected = np.asarray(stored)
    image = read_image(as_file(content))
    assert image.shape == (HEIGHT, WIDTH, 3)
    for channel in range(3):
        np.testing.assert_array_equal(image[..., channel], expected)


@pytest.mark.parametrize(("depth", "step"), [(1, 255), (2, 85), (4, 17)])
def test_grey_of_few_bits_is_stretched_to_8(depth: int, step: int) -> None:
    levels = np.arange(8, dtype=np.uint8) % 2**depth
    packed = np.packbits((levels[:, None] >> np.arange(depth)[::-1] & 1).astype(np.uint8))
    content = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 1, depth, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0" + packed.tobytes()))
        + chunk(b"IEND", b"")
    )
    np.testing.assert_array_equal(read_image(as_file(content))[0, :, 1], levels * step)


def test_one_bit_and_palette_without_transparency_work() -> None:
    bits = GREY > 127
    one_bit = read_image(as_file(encoded(Image.fromarray(bits))))
    np.testing.assert_array_equal(one_bit, np.repeat(bits[..., None] * np.uint8(255), 3, axis=2))
    palette = Image.fromarray(COLOUR).quantize(16)
    np.testing.assert_array_equal(
        read_image(as_file(encoded(palette))), np.asarray(palette.convert("RGB"))
    )


def test_the_content_counts_not_the_suffix() -> None:
    image = read_image(as_file(encoded(COLOUR, "BMP"), "photo.jpg"))
    np.testing.assert_array_equal(image, COLOUR)


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise
    image = read_image(as_file(encoded(COLOUR, exif=exif)))
    assert image.shape == (WIDTH, HEIGHT, 3)
    np.testing.assert_array_equal(image, np.rot90(COLOUR, -1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_frame_has_the_size_that_is_shown(kind: str, orientation: int) -> None:
    """Of a TIFF, Pillow gives that size already; it must not be turned twice."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = as_file(encoded(COLOUR, kind, exif=exif))
    size = (WIDTH, HEIGHT) if orientation >= 5 else (HEIGHT, WIDTH)
    assert read_frame(file) == Frame(size, orientation)
    assert read_image(file).shape[:2] == size


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_means_nothing_is_none(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert read_frame(as_file(encoded(COLOUR, exif=exif))) == Frame((HEIGHT, WIDTH), 1)


@pytest.mark.parametrize(
    ("content", "grey"),
    [
        (b"P5\n3 2\n255\n" + bytes([0, 50, 99, 100, 200, 255]), [0, 50, 99, 100, 200, 255]),
        (b"P5\n# a comment\n3 2\n15\n" + bytes([0, 3, 6, 9, 12, 15]), [0, 51, 102, 153, 204, 255]),
        (b"P2\n3 2\n255\n0 50 99 100 200 255\n", [0, 50, 99, 100, 200, 255]),
        (b"P4\n3 2\n\xa0\x40", [0, 255, 0, 255, 0, 255]),
    ],
)
def test_portable_grey_maps(content: bytes, grey: list[int]) -> None:
    np.testing.assert_array_equal(read_image(as_file(content))[..., 1].ravel(), grey)


def test_the_main_picture_of_a_phone_jpeg_is_taken() -> None:
    main, preview = (Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue"))
    content = encoded(main, "MPO", save_all=True, append_images=[preview])
    with Image.open(io.BytesIO(content)) as stored:
        assert stored.format == "MPO" and stored.n_frames == 2
    assert np.abs(read_image(as_file(content)) - np.array([255.0, 0.0, 0.0])).max() < 5


def test_gif_of_one_frame_is_not_called_animated() -> None:
    image = read_image(as_file(encoded(GREY, "GIF")))
    np.testing.assert_array_equal(image[..., 0], GREY)


# What is refused


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated_files(kind: str, share: float) -> None:
    content = encoded(COLOUR, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow tells of cut metadata
        sentence = refusal(content[: int(len(content) * share)])
    assert "damaged or cut short" in sentence or "is not a" in sentence


def test_flipped_bits_in_a_png() -> None:
    content = bytearray(encoded(COLOUR))
    content[len(content) // 2] ^= 255
    assert "damaged" in refusal(bytes(content))


def test_zero_bytes() -> None:
    assert "is empty (0 bytes)" in refusal(b"")


@pytest.mark.parametrize(
    "content", [b"hello", b"<html>404 not found</html>", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\0" * 999]
)
def test_not_an_image_under_an_image_name(content: bytes) -> None:
    assert f"is not a {', '.join(READABLE)} image" in refusal(content)


@pytest.mark.parametrize(
    "content",
    [
        encoded(GREY.astype(np.uint16) * 257),
        png_16_bit_rgb(),
        tiff_16_bit_rgb(),
        encoded(GREY.astype(np.uint16) * 257, "TIFF"),
        encoded(GREY.astype(np.int32), "TIFF"),
        encoded(GREY.astype(np.float32), "TIFF"),
        encoded(GREY.astype(np.uint16) * 257, "PPM"),
        b"P6\n1 2\n4095\n" + bytes(12),
        b"P3\n1 1\n4095\n1 2 3\n",
        encoded(GREY.astype(np.uint16) * 16, "JPEG2000"),
    ],
    ids=[
        *("grey PNG", "RGB PNG", "RGB TIFF", "grey TIFF", "32-bit TIFF", "float TIFF"),
        *("grey PGM", "RGB PPM", "RGB PPM as text", "JPEG 2000"),
    ],
)
def test_more_than_8_bits_per_channel(content: bytes) -> None:
    sentence = refusal(content)
    assert "more than 8 bits per channel" in sentence and "save it as 8-bit" in sentence


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(kind: str) -> None:
    sentence = refusal(encoded(Image.fromarray(COLOUR).convert("CMYK"), kind))
    assert "CMYK" in sentence and "8-bit RGB" in sentence


def test_other_colour_modes_are_named() -> None:
    from PIL import ImageCms

    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(Image.fromarray(COLOUR), *profiles, outputMode="LAB")
    assert "colour mode LAB" in refusal(encoded(lab, "TIFF"))


def rgba() -> Image.Image:
    return Image.fromarray(np.dstack([COLOUR, GREY]))


@pytest.mark.parametrize(
    "content",
    [
        encoded(rgba()),
        encoded(rgba(), "WEBP", lossless=True),
        encoded(rgba(), "TIFF"),
        encoded(Image.fromarray(np.dstack([GREY, GREY]))),
        encoded(Image.fromarray(COLOUR).quantize(16), transparency=3),
        encoded(rgba().quantize(16)),
        encoded(Image.fromarray(COLOUR).quantize(16), "GIF", transparency=3),
        encoded(COLOUR, transparency=(1, 2, 3)),
        encoded(GREY, transparency=7),
    ],
    ids=["RGBA", "WebP", "TIFF", "LA", "palette", "RGBA palette", "GIF", "colour key", "grey key"],
)
def test_transparency(content: bytes) -> None:
    assert "has transparency" in refusal(content)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animated_and_multi_page(kind: str) -> None:
    assert "is animated or has several pages" in refusal(animated(kind))


@pytest.mark.parametrize(
    ("width", "height"), [(60_000, 60_000), (10_001, 10_000), (13_000, 13_000), (2**31 - 1, 1)]
)
def test_decompression_bomb_is_refused_from_its_header(width: int, height: int) -> None:
    content = png_header(width, height)
    assert len(content) < 200
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # one line on the terminal, so no warning beside it
        sentence = refusal(content)
    assert time.perf_counter() - start < 1
    assert "more than 100 million pixels" in sentence


def test_limit_of_pixels_is_inclusive() -> None:
    """At the limit the header passes; only the missing pixels are complained of."""
    assert MAX_PIXELS == 10_000 * 10_000
    assert "damaged" in refusal(png_header(10_000, 10_000, depth=1, colour=0))


def test_png_text_bomb() -> None:
    text = chunk(b"zTXt", b"comment\0\0" + zlib.compress(b"a" * 2**26, 9))
    good = encoded(COLOUR)
    assert "damaged" in refusal(good[:33] + text + good[33:])


def test_names_that_a_terminal_cannot_show_stay_on_one_line() -> None:
    assert printable("défaut/孔.png") == "défaut/孔.png"
    with pytest.raises(CozadError) as caught:
        read_image(as_file(b"", "a\nb\x1b[31m\udcff.png"))
    assert str(caught.value).startswith(r"'a\nb\x1b[31m\udcff.png' is empty")


def test_an_error_while_reading_is_passed_on() -> None:
    def fail() -> bytes:
        raise CozadError("cannot read 000.png: plug the disk in")

    with pytest.raises(CozadError, match="plug the disk in"):
        read_image(ImageFile("000.png", fail))


def test_interruption_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Image, "open", interrupt)
    with pytest.raises(KeyboardInterrupt):
        read_image(as_file(encoded(COLOUR)))


def test_many_threads_leave_the_warning_filters_alone() -> None:
    before = warnings.filters[:]
    content = encoded(COLOUR)
    threads = [
        threading.Thread(target=lambda: [read_image(as_file(content)) for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
