"""Trains the sample detector on drawn shelf scenes and exports it to ONNX. CPU only.

    python train.py --cache /tmp/shelf-cache --out shelf.onnx

The scenes are drawn once into the cache folder (about 2 GB). Training starts with random cuts of 256
pixels, which are cheap, and ends with letterboxed pictures of the full 416 pixels. Every random choice
follows from --seed and the step's number. On processors without bfloat16 arithmetic add --float32.
"""

import argparse
import copy
import math
import os
import time

import onnx
import torch

import shelf_data
from shelf_loss import detection_loss
from shelf_net import IMAGE_SIZE, STRIDES, ExportNet, ShelfNet, anchor_points, flatten_levels
from shelf_scenes import CLASS_NAMES

OPSET = 17
CUT_SIZE, CUT_BATCH = 256, 16
FULL_BATCH = 8
# Shares of whole (letterboxed) scenes in the two parts of the training.
CUT_WHOLE_SHARE, FULL_WHOLE_SHARE = 0.1, 0.7

METADATA = {
    "description": "Shelf scene detector: products by package type and empty facings; trained on drawn scenes",
    "author": "tensorrt-node contributors",
    "license": "Apache-2.0",
    "version": "1.0.0",
    "task": "detect",
    "stride": str(max(STRIDES)),
    "batch": "1",
    "imgsz": str([IMAGE_SIZE, IMAGE_SIZE]),
    "names": str(dict(enumerate(CLASS_NAMES))),
}


def learning_rate(step, steps, peak):
    """Linear warm-up over the first 3 %, then half a cosine down to 1 % of `peak`."""
    warm = max(1, int(0.03 * steps))
    if step < warm:
        return peak * (step + 1) / warm
    done = (step - warm) / max(1, steps - warm)
    return peak * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * done)))


def parameter_groups(net, weight_decay):
    """Convolution kernels decay; biases and normalisation do not."""
    kernels = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": kernels, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


@torch.no_grad()
def follow(average, net, step):
    """Moves the averaged weights towards the trained ones; buffers (batch statistics) too."""
    keep = 0.999 * (1 - math.exp(-(step + 1) / 300))
    for mean, value in zip(average.state_dict().values(), net.state_dict().values()):
        if mean.dtype.is_floating_point:
            mean.mul_(keep).add_(value, alpha=1 - keep)
        else:
            mean.copy_(value)


def train(args):
    """Trains and returns the averaged network."""
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    seeds = range(args.scenes)
    shelf_data.fill_cache(args.cache, seeds, args.threads)
    scenes = shelf_data.Scenes(args.cache, seeds)
    net = ShelfNet(len(CLASS_NAMES)).to(memory_format=torch.channels_last).train()
    average = copy.deepcopy(net).eval()
    optimizer = torch.optim.AdamW(parameter_groups(net, 0.02), lr=args.lr, betas=(0.9, 0.98))
    steps = args.cut_steps + args.full_steps
    grids = {size: anchor_points(size) for size in (CUT_SIZE, IMAGE_SIZE)}
    started, running = time.monotonic(), None
    for step in range(steps):
        full = step >= args.cut_steps
        size, count = (IMAGE_SIZE, FULL_BATCH) if full else (CUT_SIZE, CUT_BATCH)
        whole = FULL_WHOLE_SHARE if full else CUT_WHOLE_SHARE
        images, targets = scenes.batch((args.seed, step), count, size, whole)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, args.lr)
        with torch.autocast("cpu", torch.bfloat16, enabled=not args.float32):
            logits, edges = flatten_levels(net(images.contiguous(memory_format=torch.channels_last)))
        loss, parts = detection_loss(logits.float(), edges.float(), *grids[size], targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()
        follow(average, net, step)
        running = parts if running is None else [0.98 * r + 0.02 * p for r, p in zip(running, parts)]
        if step % 50 == 49 or step == steps - 1:
            text = " ".join(f"{name} {value:.3f}" for name, value in zip(("class", "box", "edge"), running))
            print(f"step {step + 1}/{steps} {size}px {text} ({time.monotonic() - started:.0f} s)", flush=True)
        if step % 250 == 249 or step == steps - 1:
            torch.save(average.state_dict(), args.weights)
    return average


def constants_to_initializers(graph):
    """Replaces Constant nodes by initializers of the same name."""
    for node in [node for node in graph.node if node.op_type == "Constant"]:
        tensor = graph.initializer.add()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        graph.node.remove(node)


def export(net, path):
    """Writes the network with decoding, batch dimension `batch`, and the metadata."""
    model = ExportNet(net.float().eval().to(memory_format=torch.contiguous_format)).eval()
    torch.onnx.export(
        model,
        torch.zeros(2, 3, IMAGE_SIZE, IMAGE_SIZE),
        path,
        opset_version=OPSET,
        input_names=["images"],
        output_names=["output0"],
        dynamic_axes={"images": {0: "batch"}, "output0": {0: "batch"}},
        do_constant_folding=True,
        dynamo=False,
    )
    graph = onnx.load(path)
    output = graph.graph.output[0].type.tensor_type.shape
    fixed = (4 + net.classes, sum((IMAGE_SIZE // s) ** 2 for s in STRIDES))
    for dim, value in zip(output.dim[1:], fixed):
        dim.dim_value = value
    constants_to_initializers(graph.graph)
    onnx.helper.set_model_props(graph, METADATA)
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, path)
    print(f"{path}: {os.path.getsize(path)} bytes, {len(graph.graph.node)} nodes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--cache", required=True, help="folder for drawn scenes and weights, outside the repository")
    parser.add_argument("--out", default=os.path.join(here, "shelf.onnx"))
    parser.add_argument("--scenes", type=int, default=1600, help="training scenes: seeds 0 .. scenes - 1")
    parser.add_argument("--cut-steps", type=int, default=2500)
    parser.add_argument("--full-steps", type=int, default=300)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--float32", action="store_true", help="train in float32 instead of bfloat16")
    parser.add_argument("--export-from", help="export these weights and do not train")
    args = parser.parse_args()
    os.makedirs(args.cache, exist_ok=True)
    args.weights = os.path.join(args.cache, "shelf.pt")
    if args.export_from:
        net = ShelfNet(len(CLASS_NAMES))
        net.load_state_dict(torch.load(args.export_from, weights_only=True))
    else:
        net = train(args)
    export(net, args.out)


if __name__ == "__main__":
    main()
