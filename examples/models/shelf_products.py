"""Draws retail products as RGBA sprites: cans, bottles, boxes, jars and pouches.

Every sprite is made up from a random generator: shape, artwork, made-up brand, shading. Nothing is
taken from a photograph or a real brand. Sprites are drawn at twice their size and reduced, then cut
to their visible pixels, so that the sprite's rectangle is the product's bounding box.
"""

import colorsys
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

KINDS = ("can", "bottle", "box", "jar", "pouch")

# Height / width ranges of each kind's variants; one is drawn for each product.
ASPECTS = {
    "can": ((1.15, 1.45), (1.7, 2.05)),
    "bottle": ((2.7, 3.3), (3.2, 3.9)),
    "box": ((0.75, 1.1), (1.25, 1.75)),
    "jar": ((1.1, 1.35), (1.3, 1.6)),
    "pouch": ((1.25, 1.45), (1.4, 1.7)),
}

SUPERSAMPLING = 2
SYLLABLES = "ba be bo ca co da del fi fru go ka la lo lu ma mi mo na no ol pa pi ra ri sa so ta to va vi zo".split()
SMALL_PRINT = ("ORIGINAL", "CLASSIC", "BIO", "EXTRA", "FRESH", "LIGHT", "500 g", "330 ml", "NEW", "0 %")
CREAM, INK, GOLD = (246, 240, 224), (28, 28, 34), (206, 164, 72)


def hsv(hue, saturation, value):
    """RGB bytes of a colour given by hue, saturation and value, each 0..1 (hue wraps)."""
    return tuple(int(255 * c) for c in colorsys.hsv_to_rgb(hue % 1.0, saturation, value))


def made_up_word(rng):
    return "".join(rng.choice(SYLLABLES, size=int(rng.integers(2, 4)))).upper()


def palette(rng):
    """Base, accent and ink colours that contrast with one another."""
    hue = rng.random()
    style = rng.random()
    if style < 0.65:
        base = hsv(hue, rng.uniform(0.6, 0.95), rng.uniform(0.45, 0.95))
    elif style < 0.85:
        base = hsv(hue, rng.uniform(0.0, 0.25), rng.uniform(0.82, 0.98))
    else:
        base = hsv(hue, rng.uniform(0.3, 0.8), rng.uniform(0.12, 0.3))
    shift = rng.choice([0.5, 0.33, 0.12, -0.12]) + rng.normal(0, 0.03)
    accents = [CREAM, GOLD, hsv(hue + shift, rng.uniform(0.6, 0.95), rng.uniform(0.55, 0.95))]
    accent = accents[int(rng.integers(3))]
    ink = INK if luminance(accent) > 120 else CREAM
    return base, accent, ink


def luminance(colour):
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def draw_text(draw, text, centre, max_width, max_height, fill):
    """Centres `text` at `centre`, as large as `max_width` x `max_height` pixels allow."""
    size = max(6, int(max_height))
    font = ImageFont.load_default(size)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    if right - left > max_width:
        size = max(5, int(size * max_width / (right - left)))
        font = ImageFont.load_default(size)
    draw.text(centre, text, font=font, fill=fill, anchor="mm")


def draw_motif(draw, rng, width, height, accent, second):
    """One large graphic element, different from product to product."""
    motif = int(rng.integers(7))
    if motif == 0:
        for share in np.sort(rng.random(int(rng.integers(1, 4)))):
            y = share * height
            draw.rectangle([0, y, width, y + rng.uniform(0.04, 0.16) * height], fill=accent)
    elif motif == 1:
        offset = rng.uniform(-0.2, 0.5) * height
        thick = rng.uniform(0.15, 0.4) * height
        slant = rng.uniform(0.2, 0.6) * height
        draw.polygon(
            [(0, offset + slant), (width, offset), (width, offset + thick), (0, offset + slant + thick)],
            fill=accent,
        )
    elif motif == 2:
        radius = rng.uniform(0.28, 0.44) * min(width, height)
        cx, cy = width / 2, rng.uniform(0.35, 0.65) * height
        draw.ellipse([cx - radius, cy - radius, cx + radius, cy + radius], fill=accent)
    elif motif == 3:
        cycles, phase = rng.uniform(0.7, 1.6), rng.uniform(0, 6.28)
        level, swing = rng.uniform(0.45, 0.75) * height, rng.uniform(0.04, 0.12) * height
        xs = np.linspace(0, width, 24)
        crest = [(x, level + swing * math.sin(cycles * 6.28 * x / width + phase)) for x in xs]
        draw.polygon(crest + [(width, height), (0, height)], fill=accent)
    elif motif == 4:
        cx, cy = width / 2, rng.uniform(0.4, 0.8) * height
        rays = int(rng.integers(8, 15))
        for i in range(rays):
            a, b = 6.283 * i / rays, 6.283 * (i + 0.5) / rays
            far = 2 * max(width, height)
            draw.polygon(
                [(cx, cy), (cx + far * math.cos(a), cy + far * math.sin(a)),
                 (cx + far * math.cos(b), cy + far * math.sin(b))],
                fill=accent,
            )
    elif motif == 5:
        draw.rectangle([0, 0, width, height * rng.uniform(0.3, 0.5)], fill=accent)
    else:
        edge = rng.uniform(0.06, 0.14) * width
        draw.rectangle([edge, edge, width - edge, height - edge], fill=accent)
    if rng.random() < 0.55:
        for _ in range(int(rng.integers(2, 6))):
            radius = rng.uniform(0.06, 0.15) * min(width, height)
            cx = rng.uniform(0.2, 0.8) * width
            cy = rng.uniform(0.6, 0.9) * height
            draw.ellipse([cx - radius, cy - radius, cx + radius, cy + radius], fill=second)
            draw.ellipse([cx - radius * 0.6, cy - radius * 0.7, cx, cy - radius * 0.2], fill=CREAM)


def artwork(rng, width, height):
    """The printed face of a package: an RGB picture of `width` x `height` pixels."""
    base, accent, ink = palette(rng)
    second = hsv(rng.random(), rng.uniform(0.6, 0.95), rng.uniform(0.6, 0.95))
    face = Image.new("RGB", (width, height), base)
    draw = ImageDraw.Draw(face)
    draw_motif(draw, rng, width, height, accent, second)
    cy = rng.uniform(0.25, 0.5) * height
    text_height = min(0.3 * height, rng.uniform(0.16, 0.3) * width)
    plate = rng.random() < 0.5
    if plate:
        half_w, half_h = 0.36 * width, 0.75 * text_height
        box = [width / 2 - half_w, cy - half_h, width / 2 + half_w, cy + half_h]
        plate_fill = accent if luminance(accent) > 120 else base
        draw.rounded_rectangle(box, radius=half_h * rng.uniform(0.1, 0.9), fill=plate_fill, outline=ink,
                               width=max(1, width // 60))
        text_fill = INK if luminance(plate_fill) > 120 else CREAM
    else:
        text_fill = INK if luminance(face.getpixel((width // 2, int(cy)))) > 130 else CREAM
    draw_text(draw, made_up_word(rng), (width / 2, cy), 0.62 * width, text_height, text_fill)
    small = INK if luminance(face.getpixel((width // 2, int(0.72 * height)))) > 130 else CREAM
    draw_text(draw, str(rng.choice(SMALL_PRINT)), (width / 2, 0.72 * height), 0.5 * width, text_height * 0.45, small)
    for i in range(int(rng.integers(0, 4))):
        y = (0.82 + 0.035 * i) * height
        draw.line([(0.3 * width, y), ((0.5 + 0.2 * rng.random()) * width, y)], fill=small, width=max(1, height // 120))
    return face


def cylinder_shading(rng, u):
    """Brightness factor and added gloss over the cross-section `u` (-1..1) of a round body."""
    dome = np.sqrt(np.clip(1 - u * u, 0, 1))
    factor = 0.42 + 0.62 * dome
    light = rng.uniform(-0.5, -0.2)
    gloss = rng.uniform(0.1, 0.38) * np.exp(-(((u - light) / rng.uniform(0.05, 0.14)) ** 2))
    gloss += rng.uniform(0.0, 0.15) * np.exp(-(((u - 0.62) / 0.07) ** 2))
    return factor, gloss


def revolve(rng, texture, profile, bend, top_colour, alpha_rows=None):
    """Wraps `texture` around a body of revolution seen slightly from above.

    `texture` is [h, w, 3], 0..255. `profile` gives the half width (0..1) of each of the `h` rows;
    `bend` is the depth of the elliptic curve in pixels for a half width of 1; `alpha_rows` the opacity
    of each row. Returns RGBA bytes [h + 2 * bend, w, 4].
    """
    body_h, width = texture.shape[:2]
    height = body_h + 2 * bend
    x = (np.arange(width) + 0.5) / width * 2 - 1
    rows = np.arange(height) + 0.5
    radius = profile[np.clip((rows - 1.5 * bend).astype(int), 0, body_h - 1)][:, None]
    u = np.clip(x[None, :] / np.maximum(radius, 1e-3), -1, 1)
    curve = bend * radius * np.sqrt(1 - u * u)
    v = rows[:, None] - bend - curve
    column = ((np.arcsin(u) / np.pi + 0.5) * (width - 1)).astype(int)
    row = np.clip(v, 0, body_h - 1).astype(int)
    rgb = texture[row, column].astype(np.float32)
    factor, gloss = cylinder_shading(rng, u)
    rgb = rgb * factor[..., None] + 255 * gloss[..., None]
    side = np.clip((radius - np.abs(x[None, :])) * width / 2 + 0.5, 0, 1)
    alpha = side * np.clip(body_h - v + 0.5, 0, 1)
    on_top = (v < 0) & (v > -2 * curve)
    sheen = np.broadcast_to(1.0 - 0.25 * x[None, :], v.shape)
    rgb[on_top] = np.array(top_colour, np.float32) * sheen[on_top, None]
    alpha *= np.where(v < 0, on_top, 1)
    if alpha_rows is not None:
        alpha = alpha * np.where(v < 0, 1.0, alpha_rows[row])
    return np.dstack([np.clip(rgb, 0, 255), alpha * 255]).astype(np.uint8)


def paint_rows(texture, start, end, colour, ridges=0):
    """Fills the rows `start`..`end` (shares of the height); `ridges` vertical grooves."""
    h, w = texture.shape[:2]
    a, b = int(start * h), max(int(start * h) + 1, int(end * h))
    texture[a:b] = colour
    if ridges:
        groove = 0.82 + 0.18 * np.sin(np.linspace(0, 6.283 * ridges, w))
        texture[a:b] = texture[a:b] * groove[None, :, None]


def paste_label(rng, texture, start, end):
    h, w = texture.shape[:2]
    a, b = int(start * h), int(end * h)
    texture[a:b] = np.asarray(artwork(rng, w, max(8, b - a)), np.float32)


def draw_can(rng, width, height):
    bend = max(1, int(width * rng.uniform(0.03, 0.07)))
    h = height - 2 * bend
    texture = np.zeros((h, width, 3), np.float32)
    metal = np.array((196, 199, 204)) * rng.uniform(0.85, 1.1)
    rim = 0.035 if height > 1.6 * width else 0.05
    paste_label(rng, texture, 0, 1)
    paint_rows(texture, 0, rim, metal)
    paint_rows(texture, 1 - rim, 1, metal * 0.8)
    if height <= 1.6 * width and rng.random() < 0.6:
        groove = 1 + 0.06 * np.sin(np.linspace(0, 6.283 * 9, h))
        texture *= groove[:, None, None]
    profile = np.full(h, 1.0)
    neck = int(h * (0.07 if height > 1.6 * width else 0.02))
    if neck > 1:
        profile[:neck] = np.linspace(0.88, 1.0, neck)
        profile[-neck:] = np.linspace(1.0, 0.93, neck)
    return revolve(rng, texture, profile, bend, metal * 0.9)


def draw_bottle(rng, width, height):
    bend = max(1, int(width * 0.05))
    h = height - 2 * bend
    texture = np.zeros((h, width, 3), np.float32)
    hue = rng.choice([0.08, 0.12, 0.3, 0.36, 0.55, 0.98, rng.random()])
    opaque = rng.random() < 0.4
    liquid = np.array(hsv(hue, rng.uniform(0.1, 0.9), rng.uniform(0.3, 0.95)), np.float32)
    texture[:] = liquid
    fill = rng.uniform(0.16, 0.3)
    if not opaque:
        paint_rows(texture, 0, fill, liquid * 0.5 + 110)
    cap_end, neck_end = rng.uniform(0.05, 0.09), rng.uniform(0.16, 0.3)
    shoulder_end = neck_end + rng.uniform(0.06, 0.2)
    cap = np.array(hsv(rng.random(), rng.uniform(0, 0.95), rng.uniform(0.2, 0.95)), np.float32)
    neck_r, body_r = rng.uniform(0.3, 0.45), 1.0
    y = (np.arange(h) + 0.5) / h
    blend = np.clip((y - neck_end) / (shoulder_end - neck_end), 0, 1)
    profile = neck_r + (body_r - neck_r) * (0.5 - 0.5 * np.cos(np.pi * blend))
    profile[y < cap_end] = neck_r * rng.uniform(1.05, 1.2)
    if rng.random() < 0.3:
        profile -= 0.06 * np.exp(-(((y - 0.75) / 0.05) ** 2))
    profile[y > 0.975] *= 0.95
    paint_rows(texture, 0, cap_end, cap, ridges=14)
    start = max(shoulder_end, rng.uniform(0.42, 0.52))
    end = rng.uniform(0.82, 0.93)
    paste_label(rng, texture, start, end)
    if rng.random() < 0.3:
        paint_rows(texture, cap_end + 0.03, neck_end - 0.02, cap * 0.8 + 40)
    alpha = np.where((y < cap_end) | ((y > start) & (y < end)) | opaque, 1.0, 0.93)
    return revolve(rng, texture, profile, bend, cap, alpha)


def draw_jar(rng, width, height):
    bend = max(1, int(width * rng.uniform(0.04, 0.07)))
    h = height - 2 * bend
    texture = np.zeros((h, width, 3), np.float32)
    contents = np.array(hsv(rng.choice([0.0, 0.05, 0.1, 0.14, 0.28, 0.93]), rng.uniform(0.4, 0.95),
                            rng.uniform(0.3, 0.9)), np.float32)
    grain = rng.normal(1, 0.12, (max(2, h // 8), max(2, width // 8)))
    grain = np.asarray(Image.fromarray(grain.astype(np.float32)).resize((width, h), Image.BICUBIC))
    texture[:] = contents * grain[..., None]
    lid_end = rng.uniform(0.14, 0.22)
    lid = np.array(hsv(rng.random(), rng.uniform(0.0, 0.9), rng.uniform(0.25, 0.95)), np.float32)
    paint_rows(texture, lid_end, lid_end + 0.08, contents * 0.35 + 120)
    y = (np.arange(h) + 0.5) / h
    lid_r = rng.uniform(0.78, 0.92)
    shoulder = np.clip((y - lid_end) / 0.14, 0, 1)
    profile = lid_r * 0.94 + (1 - lid_r * 0.94) * np.sin(shoulder * np.pi / 2)
    profile[y < lid_end] = lid_r
    profile = np.where(y > 0.93, profile * (1 - 0.1 * ((y - 0.93) / 0.07) ** 2), profile)
    paint_rows(texture, 0, lid_end, lid, ridges=22)
    paint_rows(texture, 0, lid_end * 0.25, lid * 1.1)
    start = rng.uniform(0.36, 0.46)
    paste_label(rng, texture, start, rng.uniform(0.8, 0.9))
    return revolve(rng, texture, profile, bend, lid)


def draw_box(rng, width, height):
    top = int(height * rng.uniform(0.0, 0.05))
    side = int(width * rng.uniform(0.0, 0.09))
    left_side = rng.random() < 0.5
    front_w, front_h = width - side, height - top
    face = np.asarray(artwork(rng, front_w, front_h), np.float32)
    ramp = np.linspace(*((1.06, 0.9) if left_side else (0.92, 1.06)), front_w)[None, :, None]
    face = face * ramp * np.linspace(1.05, 0.93, front_h)[:, None, None]
    canvas = np.zeros((height, width, 4), np.float32)
    x0 = side if left_side else 0
    canvas[top:, x0 : x0 + front_w] = np.dstack([face, np.full((front_h, front_w), 255)])
    edge_colour = face[:, 0 if left_side else -1].mean(0)
    if side:
        shade = np.full((front_h, side, 3), edge_colour * 0.55)
        canvas[top:, :x0 if left_side else side] = 0
        strip = slice(0, side) if left_side else slice(front_w, width)
        canvas[top:, strip] = np.dstack([shade, np.full((front_h, side), 255)])
    if top:
        lid = Image.new("L", (width, top), 0)
        inset = side * 0.5 + 0.01 * width
        ImageDraw.Draw(lid).polygon([(inset, 0), (width - inset, 0), (width, top), (0, top)], fill=255)
        canvas[:top, :, :3] = np.clip(face[0].mean(0) * 1.2 + 20, 0, 255)
        canvas[:top, :, 3] = np.asarray(lid)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def draw_pouch(rng, width, height):
    face = np.asarray(artwork(rng, width, height), np.float32)
    x = ((np.arange(width) + 0.5) / width * 2 - 1)[None, :]
    y = ((np.arange(height) + 0.5) / height * 2 - 1)[:, None]
    standing = rng.random() < 0.4
    half = 1 - rng.uniform(0.03, 0.08) * np.cos(y * np.pi / 2) ** 2
    if standing:
        half = half - 0.12 * np.clip((y - 0.75) / 0.25, 0, 1) ** 2
    relief = np.clip(1 - np.abs(x / half) ** 2.4, 0, 1) * np.clip(1 - np.abs(y) ** rng.uniform(3, 5), 0, 1)
    for _ in range(int(rng.integers(4, 9))):
        angle = rng.normal(0, 0.6) + (np.pi / 2 if rng.random() < 0.3 else 0)
        wave = np.cos(angle) * x + np.sin(angle) * y
        centre, spread = rng.uniform(-0.9, 0.9), rng.uniform(0.03, 0.1)
        near_end = np.clip(np.abs(y - rng.choice([-1, 1])) < rng.uniform(0.4, 0.9), 0, 1)
        relief = relief + rng.uniform(-0.05, 0.07) * np.exp(-(((wave - centre) / spread) ** 2)) * near_end
    slope_y, slope_x = np.gradient(relief, 2 / height, 2 / width)
    light = 0.9 + 0.16 * np.clip(-slope_x * 0.5, -1.6, 1.6) + 0.14 * np.clip(slope_y * 0.5, -1.6, 1.6)
    gloss = np.clip(light - 1.08, 0, 1) * rng.uniform(60, 190)
    rgb = face * np.clip(light, 0.45, 1.4)[..., None] + gloss[..., None]
    seal = rng.uniform(0.05, 0.09)
    ends = (y < -1 + 2 * seal) if standing else (np.abs(y) > 1 - 2 * seal)
    crimp = 0.82 + 0.16 * np.sin(np.arange(height) * 6.283 / max(3.0, height * 0.016))
    rgb = np.where(ends[..., None], rgb * crimp[:, None, None] * 0.95 + 12, rgb)
    tooth = np.abs((np.arange(width) / max(4.0, width * 0.035)) % 1 - 0.5) * 2
    bite = tooth[None, :] * height * 0.012
    rows = np.arange(height)[:, None]
    inside = (np.abs(x) <= half) & (rows >= bite)
    if not standing:
        inside &= rows <= height - 1 - bite
    else:
        inside &= rows <= height * (1 - 0.03 * np.abs(x) ** 2)
    return np.dstack([np.clip(rgb, 0, 255), inside * 255.0]).astype(np.uint8)


DRAWERS = {"can": draw_can, "bottle": draw_bottle, "box": draw_box, "jar": draw_jar, "pouch": draw_pouch}


def draw_product(rng, kind, height):
    """A product of `kind`, `height` pixels high or a little less: an RGBA picture cut to its visible pixels."""
    variants = ASPECTS[kind]
    low, high = variants[int(rng.integers(len(variants)))]
    width = max(10, int(round(height / rng.uniform(low, high))))
    pixels = DRAWERS[kind](rng, width * SUPERSAMPLING, height * SUPERSAMPLING)
    sprite = Image.fromarray(pixels, "RGBA").resize((width, height), Image.BOX)
    visible = sprite.getchannel("A").point(lambda a: 255 if a > 100 else 0).getbbox()
    return sprite.crop(visible)
