"""Training data: a cache of drawn scenes, and random cuts of them as batches."""

import os
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch
from PIL import Image, ImageEnhance

import shelf_scenes

# Training scenes are drawn at this share of the full sizes, for speed.
CACHE_SCALE = 0.6
PAD_GREY = 114
MAX_BOXES = 160


def cache_paths(folder, seed):
    return os.path.join(folder, f"{seed}.image.npy"), os.path.join(folder, f"{seed}.boxes.npy")


def draw_to_cache(folder, seed):
    image_path, boxes_path = cache_paths(folder, seed)
    if os.path.exists(boxes_path):
        return
    width, height = shelf_scenes.SIZES[seed % len(shelf_scenes.SIZES)]
    picture, boxes, classes = shelf_scenes.draw_scene(seed, (round(width * CACHE_SCALE), round(height * CACHE_SCALE)))
    np.save(image_path, np.asarray(picture))
    partial = boxes_path + ".part.npy"
    np.save(partial, np.hstack([boxes, classes[:, None].astype(np.float32)]))
    os.replace(partial, boxes_path)


def fill_cache(folder, seeds, workers):
    """Draws the scenes of `seeds` that `folder` does not hold yet."""
    os.makedirs(folder, exist_ok=True)
    missing = [seed for seed in seeds if not os.path.exists(cache_paths(folder, seed)[1])]
    if not missing:
        return
    print(f"drawing {len(missing)} scenes into {folder}", flush=True)
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(draw_to_cache, [folder] * len(missing), missing, chunksize=8))


def cut(picture, boxes, rng, size, whole_share):
    """A random square cut of `size` pixels: the whole letterboxed scene or a part of it; boxes follow.

    Sampling is bilinear without smoothing, as the letterbox at inference does it.
    """
    width, height = picture.size
    fit = size / max(width, height)
    if rng.random() < whole_share:
        scale = fit * rng.uniform(0.9, 1.0)
        x0 = -(size / scale - width) * 0.5
        y0 = -(size / scale - height) * 0.5
    else:
        # The scale at which the full-size network sees a scene is 416 pixels for the longer side.
        scale = 416 / max(width, height) * float(np.exp(rng.uniform(np.log(0.75), np.log(1.5))))
        x0 = rng.uniform(-0.05 * width, max(0.05 * width, 1.05 * width - size / scale))
        y0 = rng.uniform(-0.05 * height, max(0.05 * height, 1.05 * height - size / scale))
    stretch = rng.uniform(0.93, 1.07)
    step_x, step_y = 1 / (scale * stretch), stretch / scale
    flip = rng.random() < 0.5
    affine = (-step_x, 0, x0 + size * step_x, 0, step_y, y0) if flip else (step_x, 0, x0, 0, step_y, y0)
    image = picture.transform((size, size), Image.AFFINE, affine, Image.BILINEAR, fillcolor=(PAD_GREY,) * 3)
    moved = boxes.copy()
    moved[:, [0, 2]] = (moved[:, [0, 2]] - x0) / step_x
    moved[:, [1, 3]] = (moved[:, [1, 3]] - y0) / step_y
    if flip:
        moved[:, [0, 2]] = size - moved[:, [2, 0]]
    kept, classes = shelf_scenes.clip_boxes(moved[:, :4], moved[:, 4], size, size)
    return image, np.hstack([kept, classes[:, None]])


def recolour(image, rng):
    for enhance, spread in ((ImageEnhance.Brightness, 0.25), (ImageEnhance.Contrast, 0.25), (ImageEnhance.Color, 0.5)):
        if rng.random() < 0.5:
            image = enhance(image).enhance(rng.uniform(1 - spread, 1 + spread))
    pixels = np.asarray(image)
    if rng.random() < 0.2:
        pixels = pixels[..., rng.permutation(3)]
    return pixels


class Scenes:
    """The cached scenes of `seeds`; batches are made by a generator of their own for each step."""

    def __init__(self, folder, seeds):
        self.pictures = [np.load(cache_paths(folder, s)[0], mmap_mode="r") for s in seeds]
        self.boxes = [np.load(cache_paths(folder, s)[1]) for s in seeds]

    def batch(self, seed, count, size, whole_share):
        """Images float32 [count, 3, size, size] 0..1 and targets [count, MAX_BOXES, 5] (xyxy, class; -1 = none)."""
        rng = np.random.default_rng(seed)
        images = np.empty((count, size, size, 3), np.uint8)
        targets = np.full((count, MAX_BOXES, 5), -1, np.float32)
        for i in range(count):
            k = int(rng.integers(len(self.pictures)))
            image, boxes = cut(Image.fromarray(np.asarray(self.pictures[k])), self.boxes[k], rng, size, whole_share)
            images[i] = recolour(image, rng)
            n = min(len(boxes), MAX_BOXES)
            targets[i, :n] = boxes[:n]
        most = max(1, int((targets[..., 4] >= 0).sum(1).max()))
        tensor = torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255)
        return tensor, torch.from_numpy(targets[:, :most])
