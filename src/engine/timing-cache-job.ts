import { native } from '../native/binding';
import type { Flavor, TrtTimingCacheBytes, TrtTimingCacheEntry } from '../native/trt-contract';
import { buildingMachine } from './model-facts';
import {
  type encodeTimingCache,
  readTimingCache,
  saveTimingCache,
  type TimingCacheContent,
} from './timing-cache-file';
import type { CheckedTimingCache } from './timing-cache-options';

/** The build process's half of timing caches: here TensorRT itself runs. */

export interface TimingCacheLibrary {
  flavor: Flavor;
  version: string;
  libraryPath: string;
}

export interface TimingCacheJob {
  library: TimingCacheLibrary;
  files: readonly string[];
  ignoreMismatch: boolean;
  edits: { key: string; tacticHash?: string; timingMs: number | null }[];
  listEntries: boolean;
  /** Where the result goes; absent: nowhere. `combine` keeps what is there, `replace` does not. */
  output?: { file: string; how: 'combine' | 'replace' };
}

export interface TimingCacheJobResult {
  entries: TrtTimingCacheEntry[];
  /** Size of TensorRT's bytes. */
  cacheBytes: number;
}

/** The caches that a build starts with. */
export async function loadForBuild(wanted: CheckedTimingCache): Promise<TrtTimingCacheBytes[]> {
  const caches: TrtTimingCacheBytes[] = [];
  for (const { file, isOptional } of wanted.load) {
    const content = await readTimingCache(file).catch((error) => {
      if (isOptional && error.cause?.code === 'ENOENT') return undefined;
      throw error;
    });
    if (content) caches.push({ label: file, bytes: content.bytes });
  }
  return caches;
}

/** Saves what a build has measured beside what others have. */
export async function saveAfterBuild(
  library: TimingCacheLibrary,
  { save, ignoreMismatch }: CheckedTimingCache,
  bytes: Uint8Array,
): Promise<void> {
  if (save === undefined) return;
  await saveTimingCache(
    save,
    bytes,
    await factsOf(library),
    combiner(library, bytes, save, ignoreMismatch),
  );
}

export async function runTimingCacheJob(job: TimingCacheJob): Promise<TimingCacheJobResult> {
  const { library, ignoreMismatch, edits, listEntries, output } = job;
  const caches: TrtTimingCacheBytes[] = [];
  for (const file of job.files) {
    caches.push({ label: file, bytes: (await readTimingCache(file)).bytes });
  }
  const { libraryPath } = library;
  const { bytes, entries } = await native().trtTimingCache({
    libraryPath,
    caches,
    ignoreMismatch,
    edits,
    listEntries,
  });
  if (output) {
    const { file, how } = output;
    const combine =
      how === 'combine'
        ? combiner(library, bytes, file, ignoreMismatch)
        : () => Promise.resolve(bytes);
    await saveTimingCache(file, bytes, await factsOf(library), combine);
  }
  return { entries, cacheBytes: bytes.length };
}

function combiner(
  { libraryPath }: TimingCacheLibrary,
  mine: Uint8Array,
  file: string,
  ignoreMismatch: boolean,
) {
  return async (theirs: TimingCacheContent): Promise<Uint8Array> => {
    const { bytes } = await native().trtTimingCache({
      libraryPath,
      caches: [
        { label: 'of this build', bytes: mine },
        { label: file, bytes: theirs.bytes },
      ],
      ignoreMismatch,
      edits: [],
      listEntries: false,
    });
    return bytes;
  };
}

async function factsOf(
  library: TimingCacheLibrary,
): Promise<Parameters<typeof encodeTimingCache>[1]> {
  const { device } = await buildingMachine();
  return {
    flavor: library.flavor,
    tensorrtVersion: library.version,
    ...(device === undefined ? {} : { device: device.name }),
  };
}
