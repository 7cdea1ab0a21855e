import { createRequire } from 'node:module';
import type sharp from 'sharp';
import { TensorRTNodeError } from '../errors';

type Sharp = typeof sharp;
let loaded: Sharp | undefined;

/**
 * The package sharp, loaded at first use: its binaries are optional dependencies of its own, and without
 * them everything that needs no encoded picture still works.
 *
 * @throws ERR_IMAGE_CODEC_UNAVAILABLE when it cannot be loaded
 */
export function loadSharp(): Sharp {
  try {
    loaded ??= createRequire(__filename)('sharp') as Sharp;
    return loaded;
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new TensorRTNodeError(
      'ERR_IMAGE_CODEC_UNAVAILABLE',
      'Expected the package sharp, which decodes and encodes pictures, but it could not be loaded. ' +
        'Install it with "npm install --include=optional sharp", or pass raw pixels.',
      { cause, details: text.split('\n') },
    );
  }
}
