import { TensorRTNodeError } from '../errors';
import type { LetterboxFormat } from '../native/vision-contract';
import type { TensorInfo } from '../session/backend';
import type { Size } from './letterbox';

/** How pictures must be laid out for a model's input. */
export interface InputSpec {
  readonly name: string;
  readonly dtype: 'float32' | 'float16' | 'uint8';
  readonly format: LetterboxFormat;
  /** Pictures a run: a number where the model fixes it. */
  readonly batch: number | undefined;
  /** Height and width where the model fixes them. */
  readonly height: number | undefined;
  readonly width: number | undefined;
}

const bytesPerSample = { float32: 4, float16: 2, uint8: 1 } as const;

/**
 * Reads the layout off a model's inputs: one of `[N, 3, H, W]` in float32, float16 or uint8, or
 * `[N, H, W, 3]` in uint8, with any of N, H and W free.
 *
 * @throws ERR_UNSUPPORTED_MODEL for any other input.
 */
export function readInputSpec(inputs: readonly TensorInfo[]): InputSpec {
  const [input] = inputs;
  const fail = (): never => {
    const seen = inputs.map(({ name, dtype, dims }) => `${name} ${dtype} [${dims.join(', ')}]`);
    throw new TensorRTNodeError(
      'ERR_UNSUPPORTED_MODEL',
      'Expected one image input, [N, 3, H, W] in float32, float16 or uint8 or [N, H, W, 3] in uint8, ' +
        `but the model has ${seen.join('; ') || 'no input'}`,
    );
  };
  if (!input || inputs.length !== 1 || input.dims.length !== 4) return fail();
  const { name, dtype } = input;
  const fixed = (at: number): number | undefined => {
    const dim = input.dims[at];
    return typeof dim === 'number' ? dim : undefined;
  };
  if (dtype !== 'float32' && dtype !== 'float16' && dtype !== 'uint8') return fail();
  if (dtype === 'uint8' && fixed(3) === 3 && fixed(1) !== 3) {
    return { name, dtype, format: 'u8-nhwc', batch: fixed(0), height: fixed(1), width: fixed(2) };
  }
  if ((fixed(1) ?? 3) !== 3) return fail();
  const format = ({ float32: 'f32-nchw', float16: 'f16-nchw', uint8: 'u8-nchw' } as const)[dtype];
  return { name, dtype, format, batch: fixed(0), height: fixed(2), width: fixed(3) };
}

/** Dims of a batch of `count` pictures of `size`. */
export function inputDims(spec: InputSpec, count: number, { width, height }: Size): number[] {
  return spec.format === 'u8-nhwc' ? [count, height, width, 3] : [count, 3, height, width];
}

/** Bytes that one picture of `size` takes in the input. */
export function imageBytes(spec: InputSpec, { width, height }: Size): number {
  return 3 * width * height * bytesPerSample[spec.dtype];
}
