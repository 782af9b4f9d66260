"""Image messages to arrays, without ROS: any object with the fields will do."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core.io.image_messages import CHANNELS, MessageError, decode_compressed, decode_image, decode_range

RGB = np.random.default_rng(0).integers(0, 256, (8, 16, 3), np.uint8)


def image(pixels: np.ndarray, encoding: str, padding: int = 0) -> SimpleNamespace:
    rows = np.pad(pixels.reshape(len(pixels), -1), ((0, 0), (0, padding)), constant_values=9)
    return SimpleNamespace(
        height=pixels.shape[0], width=pixels.shape[1], encoding=encoding, step=rows.shape[1], data=rows.tobytes()
    )


@pytest.mark.parametrize("padding", [0, 1, 6])
@pytest.mark.parametrize("encoding", list(CHANNELS))
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


@settings(max_examples=300, deadline=None)
@given(
    height=st.integers(0, 20), width=st.integers(0, 40), step=st.integers(0, 200), size=st.integers(0, 2000),
    encoding=st.sampled_from([*CHANNELS, "32FC1", "bayer_rggb8", ""]),
)  # fmt: skip
def test_any_header_gives_an_image_or_one_line(height: int, width: int, step: int, size: int, encoding: str) -> None:
    message = SimpleNamespace(height=height, width=width, step=step, encoding=encoding, data=bytes(size))
    try:
        assert decode_image(message).shape == (height, width, 3)
        assert width == 2 * height and size == step * height
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
