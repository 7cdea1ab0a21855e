import {
  type CompatibilityFacts,
  type CompatibilityReason,
  judgeDevice,
  judgeDriver,
  judgeLibrary,
  judgePlatform,
  judgePlugins,
  judgeRuntime,
  productOf,
} from './compatibility-rules';
import type { EngineMachine } from './machine';

export type {
  CompatibilityFacts,
  CompatibilityReason,
  CompatibilityTopic,
} from './compatibility-rules';

/** Whether an engine runs on a machine, as far as can be told without loading it. */
export interface Compatibility {
  /** `unknown`: nothing forbids it, and something that decides is not known. */
  runs: 'yes' | 'no' | 'unknown';
  /** One sentence. */
  summary: string;
  /** Everything that keeps it from running or may do so; empty for `yes`. */
  reasons: readonly CompatibilityReason[];
  /** Would an engine that is built anew for this machine run, as far as these reasons go? */
  rebuildHelps: boolean;
  /** The library that would run it. */
  library?: EngineMachine['libraries'][number];
  /** Index of the device that it would run on. */
  deviceIndex?: number;
}

/**
 * Says whether an engine runs on a machine, and why not: flavour, version, compute capability, compatibility
 * level, platform, driver and plug-ins are compared, nothing is loaded.
 *
 * ```ts
 * const { runs, summary } = explainCompatibility(engine.inspect(), await describeEngineMachine());
 * ```
 */
export function explainCompatibility(
  engine: CompatibilityFacts,
  machine: EngineMachine,
): Compatibility {
  const library = fittest(machine.libraries, (item) => judgeLibrary(engine, item));
  const device = fittest(machine.devices, (item) =>
    judgeDevice(engine, item, machine.isJetson === true),
  );
  const reasons = [
    ...judgePlatform(engine, machine),
    ...judgeRuntime(engine),
    ...(library?.reasons ?? [noLibrary(engine)]),
    ...(device?.reasons ?? [noDevice(machine)]),
    ...judgeDriver(engine, machine),
    ...judgePlugins(engine, machine),
  ];
  const hindrances = reasons.filter(({ verdict }) => verdict === 'no');
  const runs = hindrances.length > 0 ? 'no' : reasons.length > 0 ? 'unknown' : 'yes';
  return {
    runs,
    summary: sentence(runs, runs === 'no' ? hindrances : reasons, library?.item, device?.item),
    reasons,
    rebuildHelps: runs === 'no' && hindrances.every(({ rebuildHelps }) => rebuildHelps),
    ...(runs === 'no' ? {} : { library: library!.item, deviceIndex: device!.index }),
  };
}

interface Fit<T> {
  item: T;
  index: number;
  reasons: CompatibilityReason[];
}

/** The first of those that fit best. */
function fittest<T>(
  items: readonly T[],
  judge: (item: T) => CompatibilityReason[],
): Fit<T> | undefined {
  const weight = ({ reasons }: Fit<T>): number =>
    reasons.reduce((sum, { verdict }) => sum + (verdict === 'no' ? 100 : 1), 0);
  return items
    .map((item, index): Fit<T> => ({ item, index, reasons: judge(item) }))
    .reduce<Fit<T> | undefined>(
      (best, fit) => (best === undefined || weight(fit) < weight(best) ? fit : best),
      undefined,
    );
}

function noLibrary(engine: CompatibilityFacts): CompatibilityReason {
  const { flavor, tensorrtVersion } = engine;
  const built = productOf({
    ...(flavor === undefined ? {} : { flavor }),
    ...(tensorrtVersion === undefined ? {} : { version: tensorrtVersion }),
  });
  return {
    topic: 'flavor',
    verdict: 'no',
    text: `it needs ${built} and this machine has no TensorRT library that can be used`,
    rebuildHelps: false,
  };
}

function noDevice({ deviceReason }: EngineMachine): CompatibilityReason {
  const why = deviceReason?.trim().replace(/\.$/, '');
  return {
    topic: 'device',
    verdict: 'no',
    text: `this machine has no CUDA device${why ? ` (${why})` : ''}`,
    rebuildHelps: false,
  };
}

function sentence(
  runs: Compatibility['runs'],
  reasons: readonly CompatibilityReason[],
  library: EngineMachine['libraries'][number] | undefined,
  device: EngineMachine['devices'][number] | undefined,
): string {
  if (runs === 'yes')
    return `The engine runs here, with ${productOf(library!)} on ${device!.name} (${device!.computeCapability}).`;
  const start =
    runs === 'no'
      ? 'The engine does not run here, because'
      : 'Whether the engine runs here is not known:';
  return `${start} ${reasons.map(({ text }) => text).join(', and ')}.`;
}
