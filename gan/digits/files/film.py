"""Moving pictures: GIF, which shows anywhere, and MP4, which is small at any size."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from gan.file import whole
from gan.image import pillow

FPS = (1, 240)  # frames a second
GIF_FPS = 50  # at most: a GIF counts hundredths of a second
COLOURS = 255  # of a GIF, and one more for what is transparent


def gif(frames: Tensor, path: Path, fps: float, text: Mapping[str, str] | None = None) -> None:
    """Write bytes [T, C, H, W] that repeat for ever. All frames share 255 colours; what is less than half opaque is
    transparent. ``text`` (see :func:`gan.digits.files.png`) is its comment.

    Raises ValueError where ``fps`` is not in [1, 50]: a GIF counts hundredths of a second, and browsers slow down below two.
    """
    if not 1 <= fps <= GIF_FPS:
        raise ValueError(f"fps of a .gif must be in [1, {GIF_FPS}], got {fps:g}: choose fewer, or .mp4")
    ends = np.round(np.arange(len(frames) + 1) * 100 / fps).astype(int) * 10  # milliseconds: rounded, but in time on the whole
    first, *rest = _indexed(frames)
    said = {"comment": _lines(text).encode()} if text else {}
    clear = {"transparency": COLOURS, "disposal": 2} if frames.shape[1] == 4 else {}
    with whole(path) as partial:
        first.save(
            partial, format="GIF", save_all=True, append_images=rest, duration=np.diff(ends).tolist(), loop=0, optimize=False,
            **said, **clear,
        )  # fmt: skip


def _indexed(frames: Tensor) -> list[Image.Image]:
    """Frames with one palette, so that nothing flickers."""
    if frames.shape[1] == 1:
        return [pillow(frame) for frame in frames]
    colours = frames[:, :3]
    seen = colours[:: max(1, len(frames) // 16)].movedim(1, -1).flatten(0, 1)  # a column of 16 frames or so
    chosen = Image.fromarray(seen.contiguous().numpy()).quantize(COLOURS, Image.Quantize.MEDIANCUT)
    found = []
    for frame, opacity in zip(colours, frames[:, 3:] if frames.shape[1] == 4 else [None] * len(frames), strict=True):
        picture = pillow(frame).quantize(palette=chosen, dither=Image.Dither.NONE)
        if opacity is not None:
            picture.paste(COLOURS, mask=Image.fromarray(((opacity[0] < 128) * 255).byte().numpy()))
        found.append(picture)
    return found


def mp4(frames: Tensor, path: Path, fps: float, text: Mapping[str, str] | None = None) -> None:
    """Write bytes [T, C, H, W] as H.264 that browsers play; odd sides get one more pixel, and what is transparent is white.
    ``text`` (see :func:`gan.digits.files.png`) is its title and comment.

    Raises ImportError without imageio-ffmpeg (the extra "video"), ValueError where ``fps`` is not in [1, 240], OSError where
    it cannot be written.
    """
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        ffmpeg = get_ffmpeg_exe()
    except (ImportError, RuntimeError):  # the latter where it has no ffmpeg for this machine
        raise ImportError(f"{path.name} needs imageio-ffmpeg: pip install imageio-ffmpeg") from None
    if not FPS[0] <= fps <= FPS[1]:
        raise ValueError(f"fps of an .mp4 must be in [1, 240], got {fps:g}")
    height, width = frames.shape[2:]
    opaque = pad(_on_white(frames), (0, width % 2, 0, height % 2), mode="replicate")
    command = [
        ffmpeg, "-y", "-v", "error",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{opaque.shape[3]}x{opaque.shape[2]}", "-r", f"{fps:g}", "-i", "-",
        # Unless told, ffmpeg writes colours as BT.601 has them and says nothing, and players take a large film for BT.709.
        # Said of the frames: newer ffmpeg takes no word for the film's primaries and transfer where its frames have none.
        "-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,setparams=color_primaries=bt709:color_trc=bt709",
        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
        "-c:v", "libx264", "-crf", "16", "-movflags", "+faststart",
        *(["-metadata", f"title={text.get('Title', '')}", "-metadata", f"comment={_lines(text)}"] if text else []),
    ]  # fmt: skip
    with whole(path) as partial:
        pixels = opaque.movedim(1, -1).contiguous().numpy().tobytes()
        done = subprocess.run([*command, "-f", "mp4", str(partial)], input=pixels, capture_output=True)
        if done.returncode:
            why = " ".join(done.stderr.decode(errors="replace").split())
            raise OSError(f"{path}: ffmpeg could not write it ({why}): choose another folder or make room there")


def _on_white(frames: Tensor) -> Tensor:
    """Bytes [T, 1, 3 or 4, H, W] as [T, 3, H, W]."""
    if frames.shape[1] < 4:
        return frames.expand(-1, 3, -1, -1)
    opacity = frames[:, 3:].float() / 255
    return (frames[:, :3] * opacity + 255 * (1 - opacity)).round().to(frames.dtype)


def _lines(text: Mapping[str, str]) -> str:
    return "\n".join(f"{keyword}: {value}" for keyword, value in text.items())
