"""The codecs imagecodecs_jpeg and imagecodecs_png for zarr-python.

`pip install imagecodecs-zarr` brings them where Python is 3.12 or later; for 3.11 there is only the library below them, and
these few lines do the same: an image's samples in C order are the chunk.
"""
import asyncio
from dataclasses import dataclass

import imagecodecs
from zarr.abc.codec import ArrayBytesCodec
from zarr.registry import register_codec


@dataclass(frozen=True)
class Image(ArrayBytesCodec):
    level: int | None = None
    is_fixed_size = False

    @classmethod
    def from_dict(cls, data):
        return cls(**data.get("configuration", {}))

    def to_dict(self):
        return {"name": self.name, "configuration": {"level": self.level}}

    async def _decode_single(self, chunk_bytes, chunk_spec):
        decoded = await asyncio.to_thread(self.decode_image, chunk_bytes.to_bytes())
        return chunk_spec.prototype.nd_buffer.from_numpy_array(decoded.reshape(chunk_spec.shape))

    async def _encode_single(self, chunk_array, chunk_spec):
        squeezed = chunk_array.as_numpy_array().squeeze()
        encoded = await asyncio.to_thread(self.encode_image, squeezed, level=self.level)
        return chunk_spec.prototype.buffer.from_bytes(encoded)

    def compute_encoded_size(self, input_byte_length, _chunk_spec):
        raise NotImplementedError


class Jpeg(Image):
    name = "imagecodecs_jpeg"
    decode_image = staticmethod(imagecodecs.jpeg8_decode)
    encode_image = staticmethod(imagecodecs.jpeg8_encode)


class Png(Image):
    name = "imagecodecs_png"
    decode_image = staticmethod(imagecodecs.png_decode)
    encode_image = staticmethod(imagecodecs.png_encode)


def register() -> None:
    register_codec("imagecodecs_jpeg", Jpeg)
    register_codec("imagecodecs_png", Png)
