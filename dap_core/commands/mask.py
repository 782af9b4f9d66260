"""`dap mask`: where the camera sees its own robot."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dap_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from dap_core.products.self_mask import MaskConfig

    Loader = Callable[[], NDArray[np.uint8]]

T = TypeVar("T")
R = TypeVar("R")

HELP = "draw the robot's own mask over a panorama, or propose it from pictures of a drive"

#: Rows of the mask that is written: a fifth of a degree each.
HEIGHT = 1024

#: Rows at which pictures are compared, and how many of them at most.
STILL_HEIGHT, STILL_FRAMES = 256, 60

#: Degrees around straight down that begin the search for what stays still.
STILL_SEED = 5.0

_BAGS = {".mcap", ".db3"}
_IMAGES = {"sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "pictures",
        nargs="+",
        metavar="PICTURE",
        help="an equirectangular image (2:1); with --still folders and bags too",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("mask.png"),
        help="the mask, a PNG: white is the robot; <name>_preview.png goes beside it (default: %(default)s)",
    )
    parser.add_argument(
        "--polygon",
        action="append",
        default=[],
        metavar="'AZ EL, AZ EL, ...'",
        help="outline of a part of the robot: azimuth and elevation in degrees; give it once for each part",
    )
    parser.add_argument("--nadir", type=float, default=0.0, metavar="DEG", help="cut this far around straight down")
    parser.add_argument("--zenith", type=float, default=0.0, metavar="DEG", help="cut this far around straight up")
    parser.add_argument("--image", default="", metavar="MASK", help="begin with a mask that exists")
    parser.add_argument(
        "--still",
        action="store_true",
        help="propose what never changes while the robot drives (5 pictures at least, better 30, far apart) and is in "
        "one piece with straight down, the --zenith cut, a polygon or --image",
    )
    parser.add_argument("--topic", help="the topic of a bag's images, where it has several")


def run(args: argparse.Namespace) -> int:
    """Write the mask and its preview; print the share of the sphere that is masked."""
    import numpy as np
    from rich.console import Console

    from dap_core import panorama, settings
    from dap_core.io.images import write_image
    from dap_core.mask_picture import save_mask_preview
    from dap_core.products.self_mask import MaskConfig, self_mask

    if args.out.suffix.lower() != ".png":
        raise InputError(f"a mask is written as PNG, which keeps it exactly; got --out {args.out}")
    preview = args.out.with_name(f"{args.out.stem}_preview.png")
    values = {"image": args.image, "polygons": args.polygon, "nadir": args.nadir, "zenith": args.zenith}
    config, console = settings.build(MaskConfig, values), Console()
    mask = self_mask(config, HEIGHT)
    if args.still:
        paths = [Path(p) for p in args.pictures]
        picture, proposed = _still(
            _loaders(paths, args.topic, {args.out.resolve(), preview.resolve()}), config, console
        )
        mask = mask | proposed
    elif len(args.pictures) > 1 or Path(args.pictures[0]).is_dir():
        raise InputError(
            "one picture to draw over; --still takes several, folders and bags, and finds what never changes"
        )
    else:
        picture = _load(Path(args.pictures[0]))
    write_image(args.out, mask.astype(np.uint8) * 255)
    share = 100.0 * float(np.sum(mask.mean(1) * panorama.solid_angles(HEIGHT))) * 2 * HEIGHT / (4.0 * np.pi)
    line = f"{share:.1f} % of the sphere is masked as the robot"
    with console.status("drawing the preview"):
        save_mask_preview(preview, picture, mask, f"{args.out.name}: {line}")
    console.print(f"{args.out}: {line}\n{preview}: to check it by", highlight=False, soft_wrap=True)
    return 0


def _still(
    loaders: Iterable[Loader], config: MaskConfig, console: Console
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The first picture, and what stays still over all of them, (HEIGHT, 2 HEIGHT) bool."""
    import numpy as np
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from dap_core.estimate import resize_panorama
    from dap_core.products.self_mask import resize_mask, self_mask
    from dap_core.products.still import still_part

    seeds = self_mask(dataclasses.replace(config, nadir=max(config.nadir, STILL_SEED)), STILL_HEIGHT)
    pictures: list[NDArray[np.uint8]] = []
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading pictures")

        def load(loader: Loader) -> NDArray[np.uint8]:
            picture = loader()
            if not pictures:
                pictures.append(picture)
            small = resize_panorama(picture, STILL_HEIGHT)
            bar.advance(task)
            return small

        frames = evenly(loaders, STILL_FRAMES, load)
        bar.update(task, description=f"comparing {len(frames)} pictures")
        proposed = still_part(np.array(frames), seeds)
    console.print(
        f"compared {len(frames)} pictures; bare floor or sky next to the robot may not change either", highlight=False
    )
    return pictures[0], resize_mask(proposed, HEIGHT)


def evenly(items: Iterable[T], most: int, take: Callable[[T], R]) -> list[R]:
    """At most `most` (even) of the items, spread evenly over however many there are; no others are taken."""
    taken: list[R] = []
    stride = 1
    for i, item in enumerate(items):
        if i % stride == 0 and len(taken) == most:
            taken, stride = taken[::2], 2 * stride
        if i % stride == 0:
            taken.append(take(item))
    return taken


def _loaders(paths: Sequence[Path], topic: str | None, ours: set[Path]) -> Iterator[Loader]:
    """What loads the pictures of images, folders and bags one after the other; `ours` are passed over."""
    from dap_core.io.bags import image_of, messages
    from dap_core.io.images import find_images

    for path in paths:
        if path.suffix in _BAGS or (path / "metadata.yaml").exists():
            for _, _, message in messages(path, [topic or _image_topic(path)]):
                yield partial(_checked, partial(image_of, message), str(path))
        else:
            yield from (partial(_load, p) for p in find_images([path]) if p.resolve() not in ours)


def _image_topic(bag: Path) -> str:
    from dap_core.io.bags import topics

    found = sorted(topic for topic, kind in topics(bag).items() if kind in _IMAGES)
    if len(found) != 1:
        raise InputError(f"{bag}: give --topic, one of {', '.join(found)}" if found else f"{bag}: has no images")
    return found[0]


def _load(path: Path) -> NDArray[np.uint8]:
    from dap_core.io.images import read_image

    return _checked(partial(read_image, path), str(path))


def _checked(load: Loader, source: str) -> NDArray[np.uint8]:
    """The picture, a panorama; else InputError with its source."""
    from dap_core.estimate import check_image

    picture = load()
    try:
        check_image(picture)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    return picture
