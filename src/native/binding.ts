import path from 'node:path';
import nodeGypBuild from 'node-gyp-build';
import { TensorRTNodeError } from '../errors';
import type { NativeAddon } from './contract';

/** Package root: two folders above both `src/native` and `lib/native`. */
export const packageRoot = path.join(__dirname, '..', '..');

let loaded: NativeAddon | undefined;
let failure: TensorRTNodeError | undefined;

/**
 * The native addon, loaded at first use and once per thread.
 *
 * @throws ERR_ADDON_NOT_FOUND when no binary fits this platform, ERR_ADDON_LOAD when one fits and
 * cannot be loaded. The same error is thrown at every later call.
 */
export function native(): NativeAddon {
  if (loaded) return loaded;
  if (failure) throw failure;
  try {
    const addon = nodeGypBuild(packageRoot) as NativeAddon;
    // process.exit() would let exit() tear down libraries under the threads that still run in them.
    process.once('exit', () => addon.endTasks());
    loaded = addon;
    return addon;
  } catch (cause) {
    failure = explain(cause);
    throw failure;
  }
}

function explain(cause: unknown): TensorRTNodeError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const target = `${process.platform}-${process.arch}`;
  if (/No native build was found/.test(text)) {
    return new TensorRTNodeError(
      'ERR_ADDON_NOT_FOUND',
      `Expected a native binary for ${target} but found none under ${packageRoot}. ` +
        'Prebuilt binaries exist for linux-x64 (glibc); elsewhere run "npx cmake-js build" in that folder.',
      { cause, details: text.split('\n') },
    );
  }
  return new TensorRTNodeError(
    'ERR_ADDON_LOAD',
    `The native binary for ${target} could not be loaded: ${text.split('\n')[0]}. ` +
      `${hint(text)}Run "npx tensorrt-node doctor" for the details.`,
    { cause, details: text.split('\n') },
  );
}

function hint(text: string): string {
  if (/GLIBC/.test(text))
    return 'The system C library is older than the binary; rebuild from source. ';
  if (/musl|ld-musl/.test(text))
    return 'This looks like a musl system (Alpine); TensorRT needs glibc, use a Debian image. ';
  if (/--no-addons|ERR_DLOPEN_DISABLED/.test(text))
    return 'Node runs with --no-addons; start it without. ';
  return '';
}
