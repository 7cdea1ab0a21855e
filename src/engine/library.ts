import path from 'node:path';
import { type ErrorCode, TensorRTNodeError } from '../errors';
import { native } from '../native/binding';
import { type Flavor, flavors } from '../native/trt-contract';
import { requireOneOf } from '../validate';
import {
  findLibraryPlaces,
  type LibraryOrigin,
  type LibraryPlace,
  libraryVariable,
} from './library-places';
import { type ProbeAnswer, probeLibraries } from './library-probe';

/** A TensorRT library on this machine, or a place that was named for one. */
export interface TensorRTCandidate {
  /** Absolute path of the library, or of the place where it was expected. */
  readonly path: string;
  readonly origin: LibraryOrigin;
  /** Absent where it could not be read. */
  readonly flavor?: Flavor;
  /** `10.3.0.26` */
  readonly version?: string;
  /** The ONNX parser beside it; engines are built with it and run without. */
  readonly parserPath?: string;
  /** Why it cannot be used at all. Absent when engines can be run with it. */
  readonly refusal?: string;
  /** Why it cannot build engines. Absent when it can, and when `refusal` says it all. */
  readonly buildRefusal?: string;
}

export interface TensorRTSelection {
  readonly flavor: Flavor;
  readonly version: string;
  readonly libraryPath: string;
  /** Empty when engines are only to be run and there is no parser. */
  readonly parserPath: string;
  /** A sentence for each candidate: why it was taken or not. */
  readonly reasons: readonly string[];
}

export interface TensorRTWanted {
  /** Default: the best place decides. */
  readonly flavor?: Flavor;
  readonly purpose: 'build' | 'run';
}

/** With the code of what is wrong with it, if anything is. */
interface Judged extends TensorRTCandidate {
  readonly code?: ErrorCode;
}

/**
 * Every TensorRT library that this machine holds, in the order in which they are preferred, with its version
 * or with what is wrong with it. Versions are read in a process of its own and remembered.
 *
 * Places: `TENSORRT_NODE_LIBRARY_PATH` (a file or folder, then nothing else), `TENSORRT_ROOT`, this package's
 * .sdk/, `LD_LIBRARY_PATH`, the loader's cache, the usual folders, and Python's packages.
 * @throws ERR_ADDON_NOT_FOUND, ERR_ADDON_LOAD
 */
export async function findTensorRT(): Promise<TensorRTCandidate[]> {
  return (await judgeAll()).map(({ code: _, ...candidate }) => candidate);
}

async function judgeAll(): Promise<Judged[]> {
  const { compiled } = native().trtFlavors();
  const places = await findLibraryPlaces();
  const present = places.filter(({ missing }) => missing === undefined);
  const answers = await probeLibraries(present.map((place) => place.path));
  const answerOf = new Map(present.map((place, index) => [place, answers[index]!]));
  return places.map((place) => judge(place, answerOf.get(place), Object.keys(compiled)));
}

function judge(
  { missing, ...place }: LibraryPlace,
  answer: ProbeAnswer | undefined,
  compiled: readonly string[],
): Judged {
  const code = 'ERR_TENSORRT_UNAVAILABLE';
  if (answer === undefined) return { ...place, code, refusal: missing! };
  if ('refusal' in answer) return { ...place, code: answer.code, refusal: answer.refusal };
  const candidate = { ...place, ...answer };
  if (!compiled.includes(answer.flavor)) {
    return {
      ...candidate,
      code,
      refusal: `this build of the addon does not speak ${answer.flavor}`,
    };
  }
  if (answer.buildRefusal !== undefined) return { ...candidate, code: 'ERR_TENSORRT_VERSION' };
  if (place.parserPath !== undefined) return candidate;
  return { ...candidate, code, buildRefusal: 'its ONNX parser does not lie beside it' };
}

/**
 * The library to build or run engines with: the first candidate of {@link findTensorRT} that can. Where no
 * flavour is asked for, engines are to be built and there is no CUDA device, `rtx1` comes before the others,
 * since it alone builds without one.
 *
 * @throws ERR_TENSORRT_UNAVAILABLE, or ERR_TENSORRT_VERSION when the version is all that is wrong with what is
 * there; `details` holds a sentence for each candidate
 * @throws ERR_INVALID_ARGUMENT, ERR_ADDON_NOT_FOUND, ERR_ADDON_LOAD
 */
export async function selectTensorRT(wanted: TensorRTWanted): Promise<TensorRTSelection> {
  requireOneOf('purpose', wanted.purpose, ['build', 'run']);
  if (wanted.flavor !== undefined) requireOneOf('flavor', wanted.flavor, flavors);
  const candidates = await judgeAll();
  const fitting = candidates.filter((candidate) => objection(candidate, wanted) === undefined);
  const taken = await best(fitting, wanted);
  const reasons = candidates.map((candidate) => {
    const why =
      objection(candidate, wanted) ??
      (candidate === taken ? 'taken' : `would do too, ${taken!.path} comes first`);
    return `${describe(candidate)}: ${why}`;
  });
  if (taken === undefined) throw unavailable(candidates, wanted, reasons);
  return {
    flavor: taken.flavor!,
    version: taken.version!,
    libraryPath: taken.path,
    parserPath: taken.parserPath ?? '',
    reasons,
  };
}

async function best(fitting: readonly Judged[], wanted: TensorRTWanted) {
  const [first] = fitting;
  const isFree = wanted.flavor === undefined && wanted.purpose === 'build';
  const rtx = fitting.find(({ flavor }) => flavor === 'rtx1');
  if (!isFree || rtx === undefined || rtx === first) return first;
  const { devices } = await native().cudaProbe();
  return devices.length === 0 ? rtx : first;
}

/** Why this candidate does not do, or undefined. */
function objection(candidate: Judged, { flavor, purpose }: TensorRTWanted): string | undefined {
  if (candidate.refusal !== undefined) return candidate.refusal;
  if (flavor !== undefined && candidate.flavor !== flavor) return `it is not ${flavor}`;
  return purpose === 'build' ? candidate.buildRefusal : undefined;
}

function describe({ path: file, flavor, version, refusal }: TensorRTCandidate): string {
  if (flavor !== undefined) return `${file} (${flavor} ${version})`;
  return refusal?.includes(file) ? path.basename(file) : file;
}

function unavailable(
  candidates: readonly Judged[],
  wanted: TensorRTWanted,
  details: readonly string[],
): TensorRTNodeError {
  const what =
    wanted.flavor === undefined ? 'TensorRT library' : `TensorRT library of ${wanted.flavor}`;
  const hint = `Install TensorRT or name its folder by ${libraryVariable}; "npx tensorrt-node doctor" shows every place`;
  if (candidates.length === 0) {
    return new TensorRTNodeError(
      'ERR_TENSORRT_UNAVAILABLE',
      `Expected a ${what} on this machine but found none. ${hint}`,
    );
  }
  const relevant = candidates.filter(
    ({ flavor }) => wanted.flavor === undefined || flavor === undefined || flavor === wanted.flavor,
  );
  const isVersion =
    relevant.length > 0 && relevant.every(({ code }) => code === 'ERR_TENSORRT_VERSION');
  const purpose = wanted.purpose === 'build' ? 'to build engines' : 'to run engines';
  const example = details[candidates.indexOf(relevant[0] ?? candidates[0]!)];
  return new TensorRTNodeError(
    isVersion ? 'ERR_TENSORRT_VERSION' : 'ERR_TENSORRT_UNAVAILABLE',
    `Expected a ${what} ${purpose} but none of the ${candidates.length} found here will do. ${example}`,
    { details },
  );
}
