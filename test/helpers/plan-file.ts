import { createHash } from 'node:crypto';
import type { EngineFacts } from '../../src/engine/engine-facts';

/** Bytes that look like a plan of TensorRT 11.4.0.106, from outside. */
export const plan = Buffer.concat([
  Buffer.from('ftrt'),
  Buffer.alloc(20),
  Buffer.of(11, 4, 0, 106),
  Buffer.alloc(36, 7),
]);

/** Facts of {@link plan}, or of other bytes. */
export function planFacts(
  change: Partial<EngineFacts> = {},
  bytes: Uint8Array = plan,
): EngineFacts {
  return {
    format: 1,
    packageVersion: '0.1.0',
    createdAt: '2026-11-24T00:00:00.000Z',
    flavor: 'trt11',
    tensorrtVersion: '11.4.0.106',
    computeCapabilities: [],
    profiles: [],
    options: {},
    onnxSha256: 'ab'.repeat(32),
    planSha256: createHash('sha256').update(bytes).digest('hex'),
    inputs: [{ name: 'x', dtype: 'float32', shape: [1, 4] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [1, 4] }],
    ...change,
  };
}
