"""Image messages to arrays, without ROS: any object with the fields will do."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core.errors import InputError
from dap_core.io.image_messages import ENCODINGS, MessageError, decode_compressed, decode_image, decode_range

BYTES_8 = ["rgb8", "bgr8", "mono8", "rgba8", "bgra8"]
BYTES_16 = ["rgb16", "bgr16", "mono16", "rgba16", "bgra16"]
RGB = np.random.default_rng(0).integers(0, 256, (8, 16, 3), np.uint8)


def image(pixels: np.ndarray, encoding: str, padding: int = 0) -> SimpleNamespace:
    rows = np.pad(pixels.reshape(len(pixels), -1), ((0, 0), (0, padding)), constant_values=9)
    return SimpleNamespace(
        height=pixels.shape[0], width=pixels.shape[1], encoding=encoding, step=rows.shape[1], data=rows.tobytes()
    )


@pytest.mark.parametrize("padding", [0, 1, 6])
@pytest.mark.parametrize("encoding", BYTES_8)
def test_encodings_by_definition(encoding: str, padding: int) -> None:
    expected = RGB if encoding != "mono8" else np.repeat(RGB[..., :1], 3, axis=2)
    alpha = np.full((8, 16, 1), 200, np.uint8)
    pixels = {
        "rgb8": RGB,
        "bgr8": RGB[..., ::-1],
        "mono8": RGB[..., 0],
        "rgba8": np.concatenate([RGB, alpha], 2),
        "bgra8": np.concatenate([RGB[..., ::-1], alpha], 2),
    }[encoding]
    np.testing.assert_array_equal(decode_image(image(pixels, encoding, padding)), expected)


def test_an_unpadded_rgb8_message_is_a_view() -> None:
    message = image(RGB, "rgb8")
    message.data = bytearray(message.data)
    assert np.shares_memory(decode_image(message), np.frombuffer(message.data, np.uint8))


@pytest.mark.parametrize("big_endian", [0, 1])
@pytest.mark.parametrize("padding", [0, 1, 6])
@pytest.mark.parametrize("encoding", BYTES_16)
def test_sixteen_bits_by_definition(encoding: str, padding: int, big_endian: int) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (8, 16, 4)).astype(np.uint16)
    deep[0, 0], deep[0, 1] = 0, 65535
    order = {"mono16": [0], "rgb16": [0, 1, 2], "bgr16": [2, 1, 0], "rgba16": [0, 1, 2, 3], "bgra16": [2, 1, 0, 3]}
    pixels = np.ascontiguousarray(deep[..., order[encoding]], ">u2" if big_endian else "<u2")
    message = image(pixels.view(np.uint8), encoding, padding)
    message.width, message.is_bigendian = 16, big_endian
    shown = deep[..., [0, 0, 0]] if encoding == "mono16" else deep[..., :3]
    np.testing.assert_array_equal(decode_image(message), np.rint(shown / 257.0))


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("encoding", ["uyvy", "yuv422", "yuyv", "yuv422_yuy2"])
def test_yuv_by_definition(encoding: str, padding: int) -> None:
    """Pixel by pixel from ITU-R BT.601 in its limited range; two pixels share U and V."""
    rng = np.random.default_rng(2)
    y, u, v = rng.integers(16, 236, (8, 16)), rng.integers(16, 241, (8, 8)), rng.integers(16, 241, (8, 8))
    packed, expected = np.zeros((8, 16, 2), np.uint8), np.zeros((8, 16, 3))
    for row in range(8):
        for column in range(16):
            pair = column // 2
            chroma = (u if column % 2 == 0 else v)[row, pair]
            first_luma = encoding in ("yuyv", "yuv422_yuy2")
            packed[row, column] = (y[row, column], chroma) if first_luma else (chroma, y[row, column])
            luma, cb, cr = (y[row, column] - 16) / 219, (u[row, pair] - 128) / 224, (v[row, pair] - 128) / 224
            red, blue = luma + 1.402 * cr, luma + 1.772 * cb
            green = (luma - 0.299 * red - 0.114 * blue) / 0.587
            expected[row, column] = np.clip(255 * np.array([red, green, blue]), 0, 255)
    np.testing.assert_allclose(decode_image(image(packed, encoding, padding)), expected, atol=1.0)


@pytest.mark.parametrize("bits", ["8", "16"])
@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_by_definition(pattern: str, bits: str) -> None:
    """The pattern's letters are the colours of the upper left 2x2 pixels, row by row; a flat colour stays."""
    flat = np.array([40, 130, 220], np.uint8)
    for source, exact_everywhere in ((np.broadcast_to(flat, (8, 16, 3)), True), (RGB, False)):
        mosaic, channels = np.zeros((8, 16), np.uint8), np.zeros((8, 16), int)
        for row in range(8):
            for column in range(16):
                channels[row, column] = "rgb".index(pattern[2 * (row % 2) + column % 2])
                mosaic[row, column] = source[row, column, channels[row, column]]
        if bits == "16":
            message = image((mosaic.astype(np.uint16) * 257).astype(">u2").view(np.uint8), f"bayer_{pattern}16", 5)
            message.width, message.is_bigendian = 16, 1
        else:
            message = image(mosaic, f"bayer_{pattern}8", 3)
        decoded = decode_image(message)
        if exact_everywhere:
            np.testing.assert_array_equal(decoded, source)
        else:  # what was measured is kept; the outermost pixels are OpenCV's own choice
            kept = np.take_along_axis(decoded, channels[..., None], -1)[..., 0]
            np.testing.assert_array_equal(kept[1:-1, 1:-1], mosaic[1:-1, 1:-1])


def test_another_rule_for_shapes() -> None:
    def square(height: int, width: int) -> None:
        if height != width:
            raise InputError("square, please")

    assert decode_image(image(RGB[:, :8], "rgb8"), square).shape == (8, 8, 3)
    png = cv2.imencode(".png", RGB[:, :8])[1].tobytes()
    assert decode_compressed(compressed(png, "png"), square).shape == (8, 8, 3)
    with pytest.raises(MessageError, match="square, please") as caught:
        decode_image(image(RGB, "rgb8"), square)
    assert caught.value.reason == "shape"


def test_pairs_and_patterns_need_their_pixels() -> None:
    for encoding, shape, text in (
        ("uyvy", (3, 5), "pairs"),
        ("bayer_rggb8", (2, 4), "3x3"),
        ("16UC1", (8, 16), "16UC1"),
    ):
        message = SimpleNamespace(
            height=shape[0], width=shape[1], step=50, encoding=encoding, data=bytes(50 * shape[0])
        )
        with pytest.raises(MessageError, match=text):
            decode_image(message, lambda height, width: None)


@settings(max_examples=400, deadline=None)
@given(
    height=st.integers(0, 20), width=st.integers(0, 40), step=st.integers(0, 200), size=st.integers(0, 2000),
    encoding=st.sampled_from([*ENCODINGS, "32FC1", "16UC1", "nv12", ""]), exact=st.booleans(), any_shape=st.booleans(),
    big_endian=st.integers(0, 255),
)  # fmt: skip
def test_any_header_gives_an_image_or_one_line(
    height: int, width: int, step: int, size: int, encoding: str, exact: bool, any_shape: bool, big_endian: int
) -> None:
    size = step * height if exact else size
    message = SimpleNamespace(
        height=height, width=width, step=step, encoding=encoding, data=bytes(size), is_bigendian=big_endian
    )
    try:
        decoded = decode_image(message, lambda h, w: None) if any_shape else decode_image(message)
        assert decoded.shape == (height, width, 3) and decoded.dtype == np.uint8
        assert (any_shape or width == 2 * height) and size == step * height
    except MessageError as error:
        assert error.reason in ("encoding", "size", "step", "data", "shape") and "\n" not in str(error)


def compressed(data: bytes, kind: str = "jpeg") -> SimpleNamespace:
    return SimpleNamespace(format=kind, data=data)


def encode(suffix: str, *options: int) -> bytes:
    smooth = cv2.resize(RGB, (256, 128), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(suffix, cv2.cvtColor(smooth, cv2.COLOR_RGB2BGR), list(options))[1].tobytes()


def test_png_is_lossless_and_jpeg_close() -> None:
    smooth = cv2.resize(RGB, (256, 128), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(decode_compressed(compressed(encode(".png"), "png")), smooth)
    for options in ((), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)):
        jpeg = encode(".jpg", cv2.IMWRITE_JPEG_QUALITY, 98, *options)
        assert np.abs(decode_compressed(compressed(jpeg)).astype(int) - smooth).mean() < 2.0
        decode_compressed(compressed(jpeg + b"trailer of a camera"))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_truncated_files_are_refused(suffix: str, share: float) -> None:
    data = encode(suffix)
    with pytest.raises(MessageError) as caught:
        decode_compressed(compressed(data[: int(len(data) * share)]))
    assert caught.value.reason == "compressed" and "\n" not in str(caught.value)


def test_damaged_jpeg_wrong_shape_and_depth_images_are_refused() -> None:
    data = bytearray(encode(".jpg"))
    data[len(data) // 2 : len(data) // 2 + 40] = b"\xff\x55" * 20
    square = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
    for message, reason, text in (
        (compressed(bytes(data)), "compressed", "inside the image data"),
        (compressed(b""), "compressed", "empty"),
        (compressed(b"no image at all"), "compressed", "not an image"),
        (compressed(square), "shape", "twice as wide as high"),
        (compressed(encode(".png"), "32FC1; compressedDepth png"), "compressed", "depth image"),
    ):
        with pytest.raises(MessageError, match=text) as caught:
            decode_compressed(message)
        assert caught.value.reason == reason


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xda\x00\x02", b"\x89PNG\r\n\x1a\n"])
)
def test_any_bytes_give_an_image_or_one_line(data: bytes, start: bytes) -> None:
    try:
        decode_compressed(compressed(start + data))
    except MessageError as error:
        assert "\n" not in str(error)


def test_range_images_in_both_byte_orders() -> None:
    values = np.array([[1.5, np.inf, np.nan, 4.0], [5.0, 6.0, 7.0, 0.25]], np.float32)
    for order, big in (("<f4", 0), (">f4", 1)):
        message = image(values.astype(order).view(np.uint8).reshape(2, 16), "32FC1", 8)
        message.width, message.is_bigendian = 4, big
        np.testing.assert_array_equal(decode_range(message), values)
    message.encoding = "16UC1"
    with pytest.raises(MessageError, match="32FC1 is expected"):
        decode_range(message)
