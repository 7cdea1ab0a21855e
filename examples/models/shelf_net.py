"""The network: a small anchor-free one-stage detector for pictures of 416 x 416 pixels.

Made from published ideas: cross-stage partial blocks (Wang et al., CSPNet, 2020), spatial pyramid pooling
(He et al., 2015), top-down and bottom-up feature fusion (Liu et al., PANet, 2018), a decoupled anchor-free
head (Ge et al., YOLOX, 2021) and box edges as discrete distributions (Li et al., Generalized Focal Loss, 2020).
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

IMAGE_SIZE = 416
STRIDES = (8, 16, 32)
BINS = 16  # a box edge lies 0 .. BINS - 1 strides from its anchor point


class ConvBlock(nn.Sequential):
    """Convolution, batch normalisation, SiLU."""

    def __init__(self, inputs, outputs, kernel=1, stride=1):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
            nn.SiLU(inplace=True),
        )


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = ConvBlock(channels, channels, 3)
        self.second = ConvBlock(channels, channels, 3)

    def forward(self, x):
        return x + self.second(self.first(x))


class PartialStage(nn.Module):
    """Half of the channels goes through residual blocks, half passes by; both are then mixed."""

    def __init__(self, channels, depth):
        super().__init__()
        half = channels // 2
        self.deep = ConvBlock(channels, half)
        self.passing = ConvBlock(channels, half)
        self.blocks = nn.Sequential(*(Residual(half) for _ in range(depth)))
        self.mix = ConvBlock(2 * half, channels)

    def forward(self, x):
        return self.mix(torch.cat([self.blocks(self.deep(x)), self.passing(x)], 1))


class PyramidPooling(nn.Module):
    """Max pooling over 5, 9 and 13 cells (a chain of three 5 x 5 poolings), joined with the input."""

    def __init__(self, channels):
        super().__init__()
        self.reduce = ConvBlock(channels, channels // 2)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.mix = ConvBlock(channels * 2, channels)

    def forward(self, x):
        x = self.reduce(x)
        near = self.pool(x)
        middle = self.pool(near)
        return self.mix(torch.cat([x, near, middle, self.pool(middle)], 1))


class Head(nn.Module):
    """Class logits and edge distributions of one level."""

    def __init__(self, channels, hidden, classes, stride):
        super().__init__()
        self.class_stem = ConvBlock(channels, hidden, 3)
        self.class_out = nn.Conv2d(hidden, classes, 1)
        self.box_stem = ConvBlock(channels, hidden, 3)
        self.box_out = nn.Conv2d(hidden, 4 * BINS, 1)
        # At the start a cell holds an object with a probability of about 1 in (cells / 10).
        cells = (IMAGE_SIZE / stride) ** 2
        nn.init.constant_(self.class_out.bias, -math.log(max(2.0, cells / 10) - 1))

    def forward(self, x):
        return self.class_out(self.class_stem(x)), self.box_out(self.box_stem(x))


class ShelfNet(nn.Module):
    """Maps images [N, 3, H, W] (H, W multiples of 32) to per-level (class logits, edge distributions)."""

    def __init__(self, classes, widths=(16, 32, 64, 96, 112), neck=56, hidden=40):
        super().__init__()
        self.classes = classes
        w0, w1, w2, w3, w4 = widths
        self.stem = nn.Sequential(ConvBlock(3, w0, 3, 2), ConvBlock(w0, w1, 3, 2), PartialStage(w1, 1))
        self.stage3 = nn.Sequential(ConvBlock(w1, w2, 3, 2), PartialStage(w2, 2))
        self.stage4 = nn.Sequential(ConvBlock(w2, w3, 3, 2), PartialStage(w3, 1))
        self.stage5 = nn.Sequential(ConvBlock(w3, w4, 3, 2), PartialStage(w4, 1), PyramidPooling(w4))
        self.lateral = nn.ModuleList(ConvBlock(w, neck) for w in (w2, w3, w4))
        self.down_mix = nn.ModuleList(PartialStage(neck, 1) for _ in range(2))
        self.up_conv = nn.ModuleList(ConvBlock(neck, neck, 3, 2) for _ in range(2))
        self.up_mix = nn.ModuleList(PartialStage(neck, 1) for _ in range(2))
        self.heads = nn.ModuleList(Head(neck, hidden, classes, stride) for stride in STRIDES)

    def forward(self, images):
        c3 = self.stage3(self.stem(images))
        c4 = self.stage4(c3)
        p5 = self.lateral[2](self.stage5(c4))
        p4 = self.down_mix[0](self.lateral[1](c4) + F.interpolate(p5, scale_factor=2.0, mode="nearest"))
        p3 = self.down_mix[1](self.lateral[0](c3) + F.interpolate(p4, scale_factor=2.0, mode="nearest"))
        n4 = self.up_mix[0](p4 + self.up_conv[0](p3))
        n5 = self.up_mix[1](p5 + self.up_conv[1](n4))
        return [head(level) for head, level in zip(self.heads, (p3, n4, n5))]


def anchor_points(size):
    """Centres of all cells in pixels [A, 2] and their strides [A, 1], levels one after another."""
    points, strides = [], []
    for stride in STRIDES:
        centres = (torch.arange(size // stride, dtype=torch.float32) + 0.5) * stride
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        points.append(torch.stack([x.flatten(), y.flatten()], 1))
        strides.append(torch.full((len(points[-1]), 1), float(stride)))
    return torch.cat(points), torch.cat(strides)


class ExportNet(nn.Module):
    """The network with decoding: [N, 3, 416, 416] to [N, 4 + classes, 3549].

    Rows 0..3 are box centre x, centre y, width, height in input pixels; the rest are class scores 0..1.
    Every shape but the batch's is a constant, so the exported graph holds no shape arithmetic.
    """

    def __init__(self, net, size=IMAGE_SIZE):
        super().__init__()
        self.net = net
        self.cells = [(size // stride) ** 2 for stride in STRIDES]
        points, strides = anchor_points(size)
        self.register_buffer("points", (points / strides).T[None].contiguous())
        self.register_buffer("strides", strides.T[None].contiguous())
        self.register_buffer("bins", torch.arange(BINS, dtype=torch.float32).reshape(1, BINS, 1, 1))

    def forward(self, images):
        levels = self.net(images)
        logits = torch.cat([c.reshape(-1, self.net.classes, n) for (c, _), n in zip(levels, self.cells)], 2)
        edges = torch.cat([b.reshape(-1, 4 * BINS, n) for (_, b), n in zip(levels, self.cells)], 2)
        share = edges.reshape(-1, 4, BINS, sum(self.cells)).transpose(1, 2).softmax(1)
        left, top, right, bottom = F.conv2d(share, self.bins.reshape(1, BINS, 1, 1)).reshape(
            -1, 4, sum(self.cells)).split(1, 1)
        offset = torch.cat([right - left, bottom - top], 1) * 0.5
        extent = torch.cat([left + right, top + bottom], 1)
        boxes = torch.cat([self.points + offset, extent], 1) * self.strides
        return torch.cat([boxes, logits.sigmoid()], 1)


def flatten_levels(levels):
    """Per-level maps to class logits [N, A, classes] and edge logits [N, A, 4, BINS]."""
    logits = torch.cat([c.flatten(2) for c, _ in levels], 2).transpose(1, 2)
    edges = torch.cat([b.flatten(2) for _, b in levels], 2).transpose(1, 2)
    return logits, edges.reshape(*edges.shape[:2], 4, BINS)
