"""Ultralytics' non_max_suppression on the CPU, one thread. Arguments: raw float32 file, channels, anchors."""

import sys

import numpy as np
import torch
import torchvision
import ultralytics
from peer import median_ms, serve
from ultralytics.utils.nms import non_max_suppression

torch.set_num_threads(1)
path, channels, anchors = sys.argv[1], *map(int, sys.argv[2:4])
output = torch.from_numpy(np.fromfile(path, np.float32).reshape(1, channels, anchors))


def suppress(_):
    return non_max_suppression(output, 0.25, 0.7, max_det=300, return_idxs=True)


def handle(request):
    if request["action"] == "kept":
        versions = {module.__name__: module.__version__ for module in (torch, torchvision, ultralytics)}
        return {"anchors": suppress(0)[1][0].tolist(), "versions": versions}
    return {"ms": median_ms(suppress, request["calls"])}


with torch.inference_mode():
    serve(handle)
