"""Which anchor point answers for which object, and the loss.

Assignment is task-aligned (Feng et al., TOOD, 2021): a point inside an object competes by
score^ALPHA * IoU^BETA, and the best few of each object learn it. The classification target is the
alignment, scaled so that an object's best point aims at its IoU. Boxes learn by generalised IoU (Rezatofighi
et al., 2019) and distribution focal loss (Li et al., 2020). Weights follow PP-YOLOE (Xu et al., 2022).
"""

import torch
from torch.nn import functional as F

from shelf_net import BINS

ALPHA, BETA, BEST = 1.0, 6.0, 10
CLASS_WEIGHT, BOX_WEIGHT, EDGE_WEIGHT = 1.0, 2.5, 0.5


def box_overlap(a, b, generalised=False):
    """IoU (or generalised IoU) of boxes [..., 4] given as corners; the leading shapes broadcast."""
    inner = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inner
    iou = inner / union.clamp(min=1e-6)
    if not generalised:
        return iou
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    return iou - (hull - union) / hull.clamp(min=1e-6)


def decode(edges, points, strides):
    """Edge logits [N, A, 4, BINS] to boxes [N, A, 4] in pixels."""
    bins = torch.arange(BINS, dtype=edges.dtype)
    distance = (edges.softmax(-1) * bins).sum(-1) * strides
    return torch.cat([points - distance[..., :2], points + distance[..., 2:]], -1)


@torch.no_grad()
def assign(scores, boxes, points, targets):
    """Returns (object index [N, A], foreground mask [N, A], alignment target [N, A])."""
    real = targets[..., 4] >= 0
    objects, labels = targets[..., :4], targets[..., 4].long().clamp(min=0)
    corner = torch.cat([points - objects[..., None, :2], objects[..., None, 2:] - points], -1)
    inside = (corner.amin(-1) > 0.01) & real[..., None]
    iou = box_overlap(objects[:, :, None], boxes[:, None]).clamp(min=0)
    score = scores.transpose(1, 2).gather(1, labels[..., None].expand(-1, -1, scores.shape[1]))
    alignment = score**ALPHA * iou**BETA * inside
    # A tiny share of the distance decides between points while all alignments are still zero.
    size = (objects[..., 2:] - objects[..., :2]).clamp(min=1)
    centre = (objects[..., :2] + objects[..., 2:]) / 2
    far = (((points - centre[..., None, :]) / size[..., None, :]) ** 2).sum(-1)
    rank = (alignment + 1e-9 * (2 - far)) * inside
    best = rank.topk(min(BEST, rank.shape[-1]), -1)
    chosen = torch.zeros_like(rank).scatter_(-1, best.indices, (best.values > 0).to(rank.dtype))
    # A point that several objects chose goes to the one it overlaps most.
    contested = chosen.sum(1, keepdim=True) > 1
    winner = F.one_hot((iou * chosen).argmax(1), chosen.shape[1]).transpose(1, 2).to(chosen.dtype)
    chosen = torch.where(contested, winner * chosen, chosen)
    alignment, iou = alignment * chosen, iou * chosen
    peak = alignment.amax(-1, keepdim=True)
    target = (alignment / peak.clamp(min=1e-12) * iou.amax(-1, keepdim=True)).amax(1)
    return chosen.argmax(1), chosen.sum(1) > 0, target


def edge_loss(edges, distance):
    """Distribution focal loss: cross entropy with the two bins next to the true `distance` (in strides)."""
    distance = distance.clamp(0, BINS - 1.01)
    low = distance.long()
    high_share = distance - low
    log_p = edges.log_softmax(-1)
    at_low = log_p.gather(-1, low[..., None])[..., 0]
    at_high = log_p.gather(-1, low[..., None] + 1)[..., 0]
    return -(at_low * (1 - high_share) + at_high * high_share).mean(-1)


def detection_loss(logits, edges, points, strides, targets):
    """Total loss of a batch and its three parts; `targets` is [N, M, 5] (corners, class; -1 = none)."""
    boxes = decode(edges, points, strides)
    owner, foreground, aim = assign(logits.detach().sigmoid(), boxes.detach(), points, targets)
    own = targets.gather(1, owner[..., None].expand(-1, -1, 5))
    class_target = F.one_hot(own[..., 4].long().clamp(min=0), logits.shape[-1]) * (aim * foreground)[..., None]
    total = class_target.sum().clamp(min=1)
    class_part = F.binary_cross_entropy_with_logits(logits, class_target, reduction="sum") / total
    weight = aim[foreground]
    own_boxes = own[..., :4][foreground]
    box_part = ((1 - box_overlap(boxes[foreground], own_boxes, generalised=True)) * weight).sum() / total
    at = points.expand(len(logits), -1, -1)[foreground]
    step = strides.expand(len(logits), -1, -1)[foreground]
    distance = torch.cat([at - own_boxes[:, :2], own_boxes[:, 2:] - at], -1) / step
    edge_part = (edge_loss(edges[foreground], distance) * weight).sum() / total
    parts = (CLASS_WEIGHT * class_part, BOX_WEIGHT * box_part, EDGE_WEIGHT * edge_part)
    return sum(parts), [float(p.detach()) for p in parts]
