import type { Flavor } from '../native/trt-contract';

/** What the first bytes of a plan say about who built it. Fields are absent where they do not tell. */
export interface PlanOrigin {
  flavor?: Flavor;
  /** `10.3.0.26` */
  version?: string;
}

/** Bytes that {@link readPlanOrigin} looks at. */
export const planHeadBytes = 28;

/** First four bytes of a plan: TensorRT's word, and TensorRT-RTX's. */
const words = { ftrt: 'tensorrt', vtrt: 'rtx' } as const;

/**
 * Reads a plan's version. NVIDIA's public source tells the place (`printPlanVersion` in
 * samples/common/sampleEngines.cpp of the TensorRT repository, the code behind `trtexec --getPlanVersionOnly`):
 * the word `ftrt`, a 32-bit serialisation version, and for version 0 the four parts of TensorRT's version in
 * bytes 24 to 27. TensorRT-RTX has a word of its own and is not in that source; its plans were seen to keep the
 * version in the same place. Anything else is answered with nothing.
 */
export function readPlanOrigin(plan: Uint8Array): PlanOrigin {
  const word = planWord(plan);
  if (word === undefined) return {};
  const rtx: PlanOrigin = word === 'rtx' ? { flavor: 'rtx1' } : {};
  if (plan.length < planHeadBytes) return rtx;
  const view = new DataView(plan.buffer, plan.byteOffset, planHeadBytes);
  if (view.getUint32(4, true) !== 0) return rtx;
  const [major, ...rest] = plan.subarray(24, planHeadBytes);
  const version = [major, ...rest].join('.');
  if (word === 'rtx') return major === 1 ? { ...rtx, version } : rtx;
  if (major === 10 || major === 11) return { flavor: `trt${major}`, version };
  // Written since 8.6; a lower number is something else.
  return major! >= 8 ? { version } : {};
}

/** Does this look like a plan without metadata? Needs the first four bytes. */
export function isPlan(head: Uint8Array): boolean {
  return planWord(head) !== undefined;
}

function planWord(head: Uint8Array): (typeof words)[keyof typeof words] | undefined {
  const text = String.fromCharCode(...head.subarray(0, 4));
  return Object.hasOwn(words, text) ? words[text as keyof typeof words] : undefined;
}
