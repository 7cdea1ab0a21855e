"""Draws retail shelf scenes with exact bounding boxes, one scene for each seed.

    python shelf_scenes.py --seed 7 --size 1280x960 --out shelf.jpg

A scene is a rack seen from the front: boards with price rails, runs of equal products (`facings`),
gaps where a facing has sold out (class `empty`), light from above, a slightly turned camera and the
faults of a real picture (blur, noise, JPEG).

Boxes are [x1, y1, x2, y2] in pixels. A product's box holds its visible pixels and what a neighbour hides.
An `empty` box is the gap between two products, from the board up to the underside of the board above.
"""

import argparse
import io
import json
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

import shelf_products

CLASS_NAMES = ("can", "bottle", "box", "jar", "pouch", "empty")
EMPTY = CLASS_NAMES.index("empty")

SIZES = ((1280, 960), (1280, 720), (960, 1280), (1024, 1024), (900, 1200), (1280, 853))

# Boxes cut by the picture's edge are labelled when at least this share of them is visible.
MIN_VISIBLE = 0.3
MIN_SIDE_PIXELS = 6

# A gap is an `empty` facing from this width on, as a share of the opening's height.
MIN_GAP = 0.2


@dataclass
class Theme:
    """What is the same all over one scene."""

    metal: np.ndarray
    back: np.ndarray
    tag: tuple
    eye_level: float  # y of the camera's height, pixels
    depth: float  # shown depth of a board, pixels for each pixel of distance from the eye level
    empty_share: float
    clutter: float  # how carelessly products stand, 0..1


@dataclass
class Tier:
    """One opening of the rack: between the underside of the board above and the board's front edge."""

    top: float
    floor: float
    rail: float  # height of the price rail under `floor`
    surface: float  # visible depth of the board's upper face, 0 above the eye level


def make_theme(rng, height):
    metal = rng.choice([232, 205, 160, 70, 45]) * np.array([1, 1, 1]) + rng.normal(0, 4, 3)
    if rng.random() < 0.2:
        metal = np.array([176, 132, 88]) * rng.uniform(0.6, 1.1)
    back = rng.uniform(0.25, 0.95) * np.array([235, 232, 226]) + rng.normal(0, 6, 3)
    tag = [(255, 255, 255), (255, 226, 60), (250, 246, 230), (236, 70, 50)][int(rng.choice(4, p=[0.5, 0.25, 0.15, 0.1]))]
    return Theme(
        metal=np.clip(metal, 20, 245),
        back=np.clip(back, 25, 245),
        tag=tag,
        eye_level=height * rng.uniform(0.2, 0.65),
        depth=rng.uniform(0.03, 0.1),
        empty_share=float(rng.choice([0.0, 0.06, 0.12, 0.2], p=[0.15, 0.35, 0.3, 0.2])),
        clutter=float(rng.random() ** 1.5),
    )


def make_tiers(rng, width, height, theme):
    """Splits the picture's height into tiers; the first and the last may be cut by the edge."""
    target = max(width, height) * rng.uniform(0.15, 0.28)
    count = max(2, round(height / target))
    shares = rng.uniform(0.8, 1.25, count)
    start = -rng.uniform(0, 0.06) * height if rng.random() < 0.5 else rng.uniform(0.0, 0.09) * height
    end = height * rng.uniform(0.97, 1.04)
    edges = start + np.concatenate([[0], np.cumsum(shares / shares.sum())]) * (end - start)
    rail = target * rng.uniform(0.1, 0.17)
    tiers = []
    for top, bottom in zip(edges[:-1], edges[1:]):
        floor = bottom - rail
        surface = max(0.0, (floor - theme.eye_level) * theme.depth)
        tiers.append(Tier(top, floor, rail, surface))
    return tiers


def vertical_gradient(width, height, top, bottom):
    ramp = np.linspace(0, 1, max(1, height))[:, None]
    column = np.asarray(top)[None] * (1 - ramp) + np.asarray(bottom)[None] * ramp
    return Image.fromarray(np.clip(column, 0, 255).astype(np.uint8)[:, None].repeat(max(1, width), 1))


def draw_back(canvas, rng, theme, tiers):
    """The back panels, darker under each board, sometimes perforated."""
    width = canvas.width
    holes = rng.random() < 0.35
    pitch = max(6, int(width * rng.uniform(0.012, 0.02)))
    for tier in tiers:
        top, bottom = int(tier.top), int(tier.floor)
        shade = rng.uniform(0.22, 0.45)
        canvas.paste(vertical_gradient(width, bottom - top, theme.back * shade, theme.back * (shade + 0.42)), (0, top))
        draw = ImageDraw.Draw(canvas)
        if holes:
            dark = tuple(int(c * shade * 0.7) for c in theme.back)
            for y in range(top + pitch, bottom - pitch, pitch):
                for x in range(pitch // 2, width, pitch):
                    draw.ellipse([x, y, x + pitch // 4, y + pitch // 4], fill=dark)
        surface = int(tier.surface)
        if surface > 0:
            near, far = theme.metal * 0.8, theme.metal * 0.38
            canvas.paste(vertical_gradient(width, surface, far, near), (0, bottom - surface))
        below = int(max(0.0, (theme.eye_level - tier.top) * theme.depth))
        if below > 0:
            canvas.paste(vertical_gradient(width, below, theme.metal * 0.42, theme.metal * 0.22), (0, top))


def tinted(sprite, factor):
    """The sprite with its colours multiplied by `factor`."""
    red, green, blue, alpha = sprite.split()
    table = [min(255, int(i * factor)) for i in range(256)]
    return Image.merge("RGBA", [c.point(table) for c in (red, green, blue)] + [alpha])


def contact_shadow(canvas, x, floor, width):
    """A soft dark ellipse where a product meets the board."""
    w, h = max(4, int(width * 1.12)), max(3, int(width * 0.16))
    pad = max(2, h // 2)
    mask = Image.new("L", (w + 2 * pad, h + 2 * pad), 0)
    ImageDraw.Draw(mask).ellipse([pad, pad, pad + w, pad + h], fill=150)
    mask = mask.filter(ImageFilter.GaussianBlur(pad * 0.6))
    canvas.paste((0, 0, 0), (int(x - (mask.width - width) / 2), int(floor - mask.height * 0.62)), mask)


def place(canvas, sprite, x, floor):
    left, top = int(round(x)), int(round(floor - sprite.height))
    canvas.paste(sprite, (left, top), sprite)
    return left, top, left + sprite.width, top + sprite.height


def vary(rng, sprite, clutter):
    """One item of a product: a little lighter or darker, turned or mirrored-light, hardly another size."""
    item = tinted(sprite, rng.uniform(0.9, 1.06))
    if clutter > 0.2 and rng.random() < 0.4 * clutter:
        turned = item.rotate(rng.normal(0, 1.6), resample=Image.BICUBIC, expand=True)
        visible = turned.getchannel("A").point(lambda a: 255 if a > 100 else 0).getbbox()
        item = turned.crop(visible)
    return item


def fill_tier(canvas, rng, theme, tier, span):
    """Stands runs of products on the tier between the x of `span`; returns (box, class) pairs and run centres."""
    labels, runs = [], []
    opening = tier.floor - tier.top
    x, end = span[0] + opening * rng.uniform(0.01, 0.06), span[1]
    stand = tier.floor - tier.surface * 0.25
    gap_start = None
    last_kind, misses = None, 0
    while x < end - opening * 0.12 and misses < 3:
        kind = str(rng.choice(shelf_products.KINDS))
        if kind == last_kind and rng.random() < 0.5:
            continue
        last_kind = kind
        share = rng.uniform(0.72, 0.93) if kind == "bottle" else rng.uniform(0.5, 0.9)
        if kind in ("can", "jar"):
            share = rng.uniform(0.45, 0.76)
        sprite = shelf_products.draw_product(rng, kind, int(opening * share))
        if x + sprite.width > end:
            misses += 1
            continue
        gap = sprite.width * (0.01 + 0.05 * rng.random())
        facings = int(rng.integers(1, 6 if kind != "box" else 4))
        stacks = 2 if kind in ("can", "box") and 2 * sprite.height < 0.92 * opening and rng.random() < 0.6 else 1
        tight = rng.random() < 0.15
        start = x
        behind = tinted(sprite.resize((max(4, int(sprite.width * 0.95)), max(4, int(sprite.height * 0.95)))), 0.5)
        for facing in range(facings):
            if x + sprite.width > end:
                break
            if rng.random() < theme.empty_share and x > span[0] + opening * 0.1:
                gap_start = x if gap_start is None else gap_start
                x += sprite.width + gap
                continue
            if gap_start is not None:
                labels.append(((gap_start, tier.top, x, tier.floor), EMPTY))
                gap_start = None
            if tier.surface > 2 or rng.random() < 0.7:
                place(canvas, behind, x + sprite.width * 0.025, stand - tier.surface * 0.45)
            contact_shadow(canvas, x, stand, sprite.width)
            level = stand
            for floor_item in range(stacks if facing or rng.random() < 0.8 else 1):
                item = vary(rng, sprite, theme.clutter)
                shift = rng.normal(0, 0.012 + 0.02 * theme.clutter) * sprite.width
                sink = rng.uniform(0, 0.35) * tier.surface * theme.clutter if floor_item == 0 else 0
                level -= sink
                box = place(canvas, item, x + shift, level)
                labels.append((box, shelf_products.KINDS.index(kind)))
                level = box[1] + sprite.width * 0.02
            x += sprite.width + (gap if not tight else -0.02 * sprite.width)
        runs.append(((start + x) / 2, x - start))
        x += opening * rng.uniform(0.0, 0.05)
        if gap_start is None and rng.random() < theme.empty_share * 0.5:
            gap_start = x
            x += opening * rng.uniform(0.3, 0.7)
    gap_start = x if gap_start is None else gap_start
    labels.append(((gap_start, tier.top, end, tier.floor), EMPTY))
    wide = MIN_GAP * opening
    return [(b, c) for b, c in labels if c != EMPTY or b[2] - b[0] >= wide], runs


def shade_under_board(canvas, rng, tier):
    """The board above keeps light off the upper part of a tier."""
    top, bottom = int(max(0, tier.top)), int(min(canvas.height, tier.floor))
    if bottom - top < 4:
        return
    ramp = np.linspace(0, 1, bottom - top)
    depth, dark = rng.uniform(0.2, 0.5), rng.uniform(0.15, 0.5)
    alpha = (255 * dark * np.clip(1 - ramp / depth, 0, 1)).astype(np.uint8)
    mask = Image.fromarray(alpha[:, None].repeat(canvas.width, 1))
    canvas.paste((8, 8, 12), (0, top), mask)


def draw_rail(canvas, rng, theme, tier, runs):
    """The board's front edge with price tags under the runs."""
    width, top, rail = canvas.width, int(tier.floor), max(3, int(tier.rail))
    canvas.paste(vertical_gradient(width, rail, theme.metal * 1.04, theme.metal * 0.72), (0, top))
    draw = ImageDraw.Draw(canvas)
    light = tuple(int(min(255, c * 1.15 + 12)) for c in theme.metal)
    dark = tuple(int(c * 0.45) for c in theme.metal)
    draw.line([(0, top), (width, top)], fill=light, width=max(1, rail // 14))
    draw.line([(0, top + rail - 1), (width, top + rail - 1)], fill=dark, width=max(1, rail // 10))
    font = ImageFont.load_default(max(6, int(rail * 0.5)))
    for centre, run_width in runs:
        for offset in (0.0,) if run_width < rail * 6 or rng.random() < 0.5 else (-0.25, 0.25):
            tag_w, tag_h = min(run_width, rail * rng.uniform(1.5, 2.1)), rail * 0.8
            x, y = centre + offset * run_width - tag_w / 2, top + rail * 0.1
            draw.rectangle([x, y, x + tag_w, y + tag_h], fill=theme.tag, outline=dark)
            if tag_w < rail * 0.9:
                continue
            price = f"{int(rng.integers(0, 10))}.{int(rng.integers(0, 10))}9"
            ink = (20, 20, 20) if shelf_products.luminance(theme.tag) > 110 else (255, 255, 255)
            draw.text((x + tag_w * 0.56, y + tag_h * 0.5), price, font=font, fill=ink, anchor="mm")
            draw.line([(x + 2, y + tag_h * 0.8), (x + tag_w * 0.25, y + tag_h * 0.8)], fill=ink)


def draw_uprights(canvas, theme, posts, post_width):
    for x in posts:
        half = max(2, int(post_width / 2))
        ramp = 1 - 0.45 * np.abs(np.linspace(-0.8, 1, 2 * half))
        strip = np.clip(theme.metal[None] * ramp[:, None] * 0.85, 0, 255).astype(np.uint8)
        canvas.paste(Image.fromarray(strip[None].repeat(canvas.height, 0)), (int(x) - half, 0))
        draw = ImageDraw.Draw(canvas)
        slot = max(3, half)
        for y in range(0, canvas.height, slot * 3):
            draw.line([(x, y), (x, y + slot)], fill=(30, 30, 32), width=max(1, half // 4))


def homography(source, target):
    """The 8 coefficients that map points of `source` to `target` (four [x, y] each)."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.solve(np.array(rows, float), np.array(values, float))


def turn_camera(canvas, rng, boxes):
    """A slight change of perspective of the picture and its boxes."""
    w, h = canvas.size
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], float)
    inset = np.array([w, h]) * rng.uniform(0, 0.035, (4, 2))
    source = corners + inset * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    warped = canvas.transform((w, h), Image.PERSPECTIVE, homography(corners, source), Image.BICUBIC)
    a, b, c, d, e, f, g, i = homography(source, corners)
    x, y = boxes[:, [0, 2, 2, 0]], boxes[:, [1, 1, 3, 3]]
    scale = g * x + i * y + 1
    u, v = (a * x + b * y + c) / scale, (d * x + e * y + f) / scale
    # The middle of each turned edge, not its outermost corner: round and tapered products do not fill corners.
    moved = np.stack([(u[:, 0] + u[:, 3]) / 2, (v[:, 0] + v[:, 1]) / 2,
                      (u[:, 1] + u[:, 2]) / 2, (v[:, 2] + v[:, 3]) / 2], 1)
    return warped, moved


def photograph(canvas, rng):
    """Light, colour cast, blur, noise and JPEG, as a camera would add them."""
    w, h = canvas.size
    radius = rng.uniform(0, 1.0) * max(w, h) / 1280
    if radius > 0.25:
        canvas = canvas.filter(ImageFilter.GaussianBlur(radius))
    pixels = np.asarray(canvas, np.float32) / 255
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    x, y = x / w - 0.5, y / h - 0.5
    slope = rng.uniform(-0.3, 0.3, 2)
    light = 1 + slope[0] * x + slope[1] * y - rng.uniform(0, 0.55) * (x * x + y * y)
    spot = rng.uniform(-0.5, 0.5, 2)
    light += rng.uniform(0, 0.25) * np.exp(-(((x - spot[0]) / 0.3) ** 2 + ((y - spot[1]) / 0.3) ** 2))
    cast = 1 + rng.normal(0, 0.035, 3)
    exposure = rng.uniform(0.8, 1.2)
    pixels = pixels * light[..., None] * (cast * exposure).astype(np.float32)
    pixels = np.clip(pixels, 0, 1) ** np.float32(rng.uniform(0.8, 1.2))
    sigma = rng.uniform(0.0, 0.03)
    noise = rng.standard_normal((h, w, 3), dtype=np.float32)
    pixels += sigma * noise * (0.4 + 0.6 * np.sqrt(pixels))
    picture = Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=int(rng.integers(62, 95)))
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def clip_boxes(boxes, classes, width, height):
    """Boxes cut to the picture; those of which too little is seen are dropped."""
    clipped = boxes.copy()
    clipped[:, 0::2] = np.clip(clipped[:, 0::2], 0, width)
    clipped[:, 1::2] = np.clip(clipped[:, 1::2], 0, height)
    size, full = clipped[:, 2:] - clipped[:, :2], boxes[:, 2:] - boxes[:, :2]
    keep = (size.prod(1) >= MIN_VISIBLE * full.prod(1)) & (size.min(1) >= MIN_SIDE_PIXELS)
    return clipped[keep], classes[keep]


def draw_scene(seed, size=None):
    """The scene of `seed`: (RGB picture, boxes float32 [n, 4], classes int64 [n]); `size` is (width, height)."""
    rng = np.random.default_rng(seed)
    width, height = size or SIZES[int(rng.integers(len(SIZES)))]
    theme = make_theme(rng, height)
    tiers = make_tiers(rng, width, height, theme)
    canvas = Image.new("RGB", (width, height), tuple(int(c * 0.7) for c in theme.metal))
    draw_back(canvas, rng, theme, tiers)
    post_width = width * rng.uniform(0.012, 0.022)
    bay = width * rng.uniform(0.55, 1.5)
    posts = np.arange(rng.uniform(-0.3, 0.15) * width, width * 1.3, bay)
    walls = np.concatenate([[-rng.uniform(0.02, 0.15) * width], posts[(posts > 0) & (posts < width)], [1.12 * width]])
    labels, runs_of = [], []
    for tier in tiers:
        runs = []
        for left, right in zip(walls[:-1], walls[1:]):
            span = (left + post_width / 2, right - post_width / 2)
            found, centres = fill_tier(canvas, rng, theme, tier, span)
            labels += found
            runs += centres
        runs_of.append(runs)
        shade_under_board(canvas, rng, tier)
    for tier, runs in zip(tiers, runs_of):
        draw_rail(canvas, rng, theme, tier, runs)
    draw_uprights(canvas, theme, posts, post_width)
    boxes = np.array([box for box, _ in labels], float).reshape(-1, 4)
    classes = np.array([label for _, label in labels], np.int64)
    canvas, boxes = turn_camera(canvas, rng, boxes)
    picture = photograph(canvas, rng)
    boxes, classes = clip_boxes(boxes, classes, width, height)
    return picture, boxes.astype(np.float32), classes


def main():
    parser = argparse.ArgumentParser(description="Draw one shelf scene.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", default="1280x960", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--out", default="shelf.jpg")
    parser.add_argument("--quality", type=int, default=85, help="JPEG quality")
    parser.add_argument("--labels", help="also write the boxes to this JSON file")
    args = parser.parse_args()
    picture, boxes, classes = draw_scene(args.seed, tuple(int(v) for v in args.size.split("x")))
    picture.save(args.out, quality=args.quality)
    if args.labels:
        rows = [{"class": CLASS_NAMES[c], "box": [round(float(v), 1) for v in b]} for b, c in zip(boxes, classes)]
        with open(args.labels, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
    print(f"{args.out}: {len(boxes)} boxes")


if __name__ == "__main__":
    main()
