"""Measures the exported detector on drawn scenes that training has not seen.

    python evaluate.py

Draws scenes from seeds far above the training seeds at their full size, runs shelf.onnx by ONNX Runtime
with a letterbox and a non-maximum suppression of its own, and prints average precision as COCO defines
it: mean over classes, 101 recall points, at most MAX_DETECTIONS a picture. Ends with exit code 1 where
mAP50 is below --minimum.
"""

import argparse
import ast
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import onnxruntime
from PIL import Image, ImageDraw

import shelf_scenes

FIRST_SEED = 5_000_000
PAD_GREY = 114
CONFIDENCE, NMS_IOU, MAX_DETECTIONS = 0.001, 0.7, 300
IOU_LEVELS = np.linspace(0.5, 0.95, 10)
RECALL_POINTS = np.linspace(0, 1, 101)


@dataclass
class Placement:
    """Where a letterboxed picture lies on the square: gain for each axis, offset in pixels."""

    gain_x: float
    gain_y: float
    left: int
    top: int


def bilinear(pixels, width, height):
    """Resizes [H, W, 3] bytes, half-pixel centres, without smoothing when it shrinks."""

    def positions(target, source):
        at = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
        low = np.minimum(at.astype(int), source - 2)
        return low, (at - low).astype(np.float32)

    y, wy = positions(height, pixels.shape[0])
    x, wx = positions(width, pixels.shape[1])
    rows = pixels[y] * (1 - wy)[:, None, None] + pixels[y + 1] * wy[:, None, None]
    return rows[:, x] * (1 - wx)[None, :, None] + rows[:, x + 1] * wx[None, :, None]


def letterbox(picture, size):
    """A picture as network input [3, size, size], float32 0..1, and its placement."""
    pixels = np.asarray(picture, np.uint8)
    height, width = pixels.shape[:2]
    ratio = min(size / height, size / width)
    new_w, new_h = round(width * ratio), round(height * ratio)
    square = np.full((size, size, 3), PAD_GREY, np.uint8)
    left, top = round((size - new_w) / 2 - 0.1), round((size - new_h) / 2 - 0.1)
    square[top : top + new_h, left : left + new_w] = np.rint(bilinear(pixels, new_w, new_h))
    placement = Placement(new_w / width, new_h / height, left, top)
    return square.transpose(2, 0, 1).astype(np.float32) / 255, placement


def overlap(box, boxes):
    """IoU of one box [4] with boxes [n, 4], all as corners."""
    inner = np.clip(np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2]), 0, None).prod(1)
    union = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(1) - inner
    return inner / np.maximum(union, 1e-9)


def suppress(boxes, scores, classes):
    """Greedy suppression within each class; returns the kept indices, best first."""
    kept = []
    for label in np.unique(classes):
        order = np.flatnonzero(classes == label)
        order = order[np.argsort(-scores[order], kind="stable")]
        while len(order):
            kept.append(order[0])
            order = order[1:][overlap(boxes[order[0]], boxes[order[1:]]) <= NMS_IOU]
    kept = np.array(kept, int)
    return kept[np.argsort(-scores[kept], kind="stable")][:MAX_DETECTIONS]


def detections(output, placement, picture_size, confidence):
    """Boxes (corners, original pixels), scores and classes of one picture's output [4 + classes, A]."""
    best = output[4:].max(0)
    chosen = best > confidence
    cx, cy, w, h = output[:4, chosen]
    scores, classes = best[chosen], output[4:, chosen].argmax(0)
    boxes = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], 1)
    kept = suppress(boxes, scores, classes)
    boxes, scores, classes = boxes[kept], scores[kept], classes[kept]
    boxes[:, 0::2] = np.clip((boxes[:, 0::2] - placement.left) / placement.gain_x, 0, picture_size[0])
    boxes[:, 1::2] = np.clip((boxes[:, 1::2] - placement.top) / placement.gain_y, 0, picture_size[1])
    return boxes, scores, classes


def matches(truth, boxes, level):
    """For detections in falling score order: True where one takes a free true box at IoU >= `level`."""
    free = np.ones(len(truth), bool)
    hit = np.zeros(len(boxes), bool)
    for i, box in enumerate(boxes):
        iou = overlap(box, truth) * free if len(truth) else np.zeros(0)
        if len(iou) and iou.max() >= level:
            free[iou.argmax()] = False
            hit[i] = True
    return hit


def average_precision(found, truths, level):
    """AP of one class: `found` holds (scores, boxes) of each picture, `truths` its true boxes."""
    scores = np.concatenate([score for score, _ in found]) if found else np.zeros(0)
    hits = np.concatenate([matches(t, boxes, level) for t, (_, boxes) in zip(truths, found)])
    order = np.argsort(-scores, kind="stable")
    true_positives = np.cumsum(hits[order])
    recall = true_positives / sum(len(t) for t in truths)
    precision = true_positives / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, RECALL_POINTS, side="left")
    return float(np.mean([envelope[i] if i < len(envelope) else 0.0 for i in at]))


class Detector:
    """An exported model run by ONNX Runtime."""

    def __init__(self, path, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.names = ast.literal_eval(metadata["names"])
        self.size = ast.literal_eval(metadata["imgsz"])[0]

    def outputs(self, inputs):
        """Raw output [N, 4 + classes, A] of inputs [N, 3, size, size]."""
        return self.session.run(["output0"], {"images": inputs})[0]

    def detect(self, picture, confidence=CONFIDENCE):
        tensor, placement = letterbox(picture, self.size)
        return detections(self.outputs(tensor[None])[0], placement, picture.size, confidence)


def largest_batch_difference(detector, pictures):
    """Largest difference between pictures run as one batch and one by one."""
    inputs = np.stack([letterbox(picture, detector.size)[0] for picture in pictures])
    one_by_one = np.concatenate([detector.outputs(single[None]) for single in inputs])
    return float(np.abs(detector.outputs(inputs) - one_by_one).max())


def annotate(picture, found, names, path):
    colours = ("#e6194b", "#3cb44b", "#4363d8", "#ffe119", "#f032e6", "#42d4f4")
    canvas = picture.copy()
    draw = ImageDraw.Draw(canvas)
    for box, score, label in zip(*found):
        draw.rectangle(box.tolist(), outline=colours[label % 6], width=3)
        draw.text((box[0] + 4, box[1] + 3), f"{names[label]} {score:.2f}", fill=colours[label % 6])
    canvas.save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--model", default=os.path.join(here, "shelf.onnx"))
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--minimum", type=float, default=0.85, help="least mAP50 for exit code 0")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--annotate", nargs="+", metavar="PICTURE", help="draw detections on pictures instead")
    parser.add_argument("--to", default=".", help="folder for the annotated pictures")
    args = parser.parse_args()
    detector = Detector(args.model, args.threads)
    if args.annotate:
        for path in args.annotate:
            picture = Image.open(path).convert("RGB")
            found = detector.detect(picture, 0.25)
            name = os.path.splitext(os.path.basename(path))[0] + ".annotated.png"
            annotate(picture, found, detector.names, os.path.join(args.to, name))
            counts = np.bincount(found[2], minlength=len(detector.names))
            print(path, {detector.names[i]: int(n) for i, n in enumerate(counts)})
        return 0

    started = time.monotonic()
    seeds = range(FIRST_SEED, FIRST_SEED + args.scenes)
    found, truths, first = [], [], []
    with ProcessPoolExecutor(args.threads) as pool:
        for picture, boxes, classes in pool.map(shelf_scenes.draw_scene, seeds, chunksize=4):
            found.append(detector.detect(picture))
            truths.append((boxes, classes))
            if len(first) < 3:
                first.append(picture)
    table = np.zeros((len(detector.names), len(IOU_LEVELS)))
    print(f"{'class':8} {'objects':>8} {'AP50':>7} {'AP50-95':>8}")
    for label, name in detector.names.items():
        own_truths = [boxes[classes == label] for boxes, classes in truths]
        own_found = [(scores[classes == label], boxes[classes == label]) for boxes, scores, classes in found]
        table[label] = [average_precision(own_found, own_truths, level) for level in IOU_LEVELS]
        count = sum(len(t) for t in own_truths)
        print(f"{name:8} {count:8d} {table[label, 0]:7.3f} {table[label].mean():8.3f}")
    objects = sum(len(boxes) for boxes, _ in truths)
    print(f"{'all':8} {objects:8d} {table[:, 0].mean():7.3f} {table.mean():8.3f}")
    print(f"batch of 3 against one by one: largest difference {largest_batch_difference(detector, first):.2g}")
    print(f"{args.scenes} scenes (seeds from {FIRST_SEED}), {os.path.getsize(args.model)} bytes, "
          f"{time.monotonic() - started:.0f} s")
    print(f"mAP50 {table[:, 0].mean():.4f}  mAP50-95 {table.mean():.4f}")
    if table[:, 0].mean() < args.minimum:
        print(f"mAP50 is below {args.minimum}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
