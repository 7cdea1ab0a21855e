/**
 * Decoding and suppression in plain JavaScript, written for speed: class rows are walked in memory order,
 * candidates are few and kept in typed arrays. The rival that users of this package would otherwise write.
 */
export function decodeInJavaScript(data, classCount, anchors, { confidence, iou, maxDetections }) {
  const best = new Float32Array(anchors).fill(confidence);
  const bestClass = new Int32Array(anchors).fill(-1);
  for (let c = 0; c < classCount; c++) {
    const row = (4 + c) * anchors;
    for (let a = 0; a < anchors; a++) {
      const score = data[row + a];
      if (score > best[a]) {
        best[a] = score;
        bestClass[a] = c;
      }
    }
  }
  const order = [];
  for (let a = 0; a < anchors; a++) if (bestClass[a] >= 0) order.push(a);
  order.sort((a, b) => best[b] - best[a] || a - b);

  const keptX1 = new Float32Array(maxDetections);
  const keptY1 = new Float32Array(maxDetections);
  const keptX2 = new Float32Array(maxDetections);
  const keptY2 = new Float32Array(maxDetections);
  const keptArea = new Float32Array(maxDetections);
  const kept = [];
  for (const a of order) {
    if (kept.length === maxDetections) break;
    const offset = bestClass[a] * 7680;
    const x1 = Math.fround(data[a] - data[2 * anchors + a] / 2) + offset;
    const y1 = Math.fround(data[anchors + a] - data[3 * anchors + a] / 2) + offset;
    const x2 = Math.fround(data[a] + data[2 * anchors + a] / 2) + offset;
    const y2 = Math.fround(data[anchors + a] + data[3 * anchors + a] / 2) + offset;
    const area = (x2 - x1) * (y2 - y1);
    let suppressed = false;
    for (let k = 0; k < kept.length; k++) {
      const width = Math.min(x2, keptX2[k]) - Math.max(x1, keptX1[k]);
      if (width <= 0) continue;
      const height = Math.min(y2, keptY2[k]) - Math.max(y1, keptY1[k]);
      if (height <= 0) continue;
      const shared = width * height;
      if (shared / (area + keptArea[k] - shared) > iou) {
        suppressed = true;
        break;
      }
    }
    if (suppressed) continue;
    const k = kept.length;
    keptX1[k] = x1;
    keptY1[k] = y1;
    keptX2[k] = x2;
    keptY2[k] = y2;
    keptArea[k] = area;
    kept.push(a);
  }
  return kept;
}
