import type { EngineDescription } from './engine';
import type { EngineMachine } from './machine';

/**
 * The single rules of {@link explainCompatibility}, from NVIDIA's public documentation: the pages "Engine
 * Compatibility" of TensorRT 11.1 and of TensorRT-RTX, "Version Compatibility" of 10.16, the support matrix of
 * 11.4.1 ("Engine Portability"), "CPU-Only AOT and TensorRT-RTX Engines", and the comments of
 * `HardwareCompatibilityLevel` and `EngineInvalidityDiagnostics` in the headers. None has been tried on a device yet.
 */

/** What is looked at of an engine; `Engine.inspect()` gives it. */
export type CompatibilityFacts = Partial<
  Pick<
    EngineDescription,
    | 'flavor'
    | 'tensorrtVersion'
    | 'computeCapabilities'
    | 'options'
    | 'platform'
    | 'device'
    | 'cudaVersion'
    | 'plugins'
  >
>;

export type CompatibilityTopic =
  | 'platform'
  | 'flavor'
  | 'version'
  | 'device'
  | 'compute-capability'
  | 'driver'
  | 'plugins';

export interface CompatibilityReason {
  topic: CompatibilityTopic;
  /** `no`: it will not run for this reason. `unknown`: this may keep it from running. */
  verdict: 'no' | 'unknown';
  /** One clause, without a capital and a full stop. */
  text: string;
  /** Would an engine that is built on, or for, this machine run? */
  rebuildHelps: boolean;
}

type Device = EngineMachine['devices'][number];
type Library = EngineMachine['libraries'][number];

/** Where nothing is given, an engine of TensorRT-RTX is for these and for what comes after the last. */
const rtxDefault = ['8.0', '8.6', '8.9', '12.0'];

const no = (topic: CompatibilityTopic, text: string, rebuildHelps = true): CompatibilityReason => ({
  topic,
  verdict: 'no',
  text,
  rebuildHelps,
});
const unknown = (topic: CompatibilityTopic, text: string): CompatibilityReason => ({
  topic,
  verdict: 'unknown',
  text,
  rebuildHelps: true,
});

export function productOf({ flavor, version }: { flavor?: string; version?: string }): string {
  return `${flavor === 'rtx1' ? 'TensorRT-RTX' : 'TensorRT'}${version ? ` ${version}` : ''}`;
}

/** Serialised engines do not go from one system to another; those of TensorRT-RTX go between Windows and Linux. */
export function judgePlatform(
  engine: CompatibilityFacts,
  machine: EngineMachine,
): CompatibilityReason[] {
  const built = platformOf(engine);
  if (built === undefined || built === machine.platform) return [];
  const text = `it was built for ${built} and this machine is ${machine.platform}`;
  const [system, cpu] = built.split('-');
  const [ownSystem, ownCpu] = machine.platform.split('-');
  const isPortable =
    engine.flavor === 'rtx1' &&
    [system, ownSystem].every((name) => name === 'linux' || name === 'win32');
  if (isPortable && cpu === ownCpu) return [];
  return [isPortable ? unknown('platform', text) : no('platform', text)];
}

function platformOf({ options, platform }: CompatibilityFacts): string | undefined {
  return options?.runtimePlatform === 'windows-x64' ? 'win32-x64' : platform;
}

/** Engines that another runtime than TensorRT's standard one takes. */
export function judgeRuntime({ options }: CompatibilityFacts): CompatibilityReason[] {
  const capability = options?.engineCapability ?? 'standard';
  if (capability === 'standard') return [];
  return [no('flavor', `it was built for the ${capability} runtime and not for the standard one`)];
}

/** Flavour and version against one library of the machine. */
export function judgeLibrary(engine: CompatibilityFacts, library: Library): CompatibilityReason[] {
  const { flavor, tensorrtVersion: version } = engine;
  if (version === undefined) {
    if (flavor === undefined || flavor === library.flavor)
      return [unknown('version', 'its file does not tell which TensorRT version built it')];
    return [no('flavor', `it is for ${productOf({ flavor })} and not for ${productOf(library)}`)];
  }
  const built = productOf({ ...(flavor === undefined ? {} : { flavor }), version });
  const isRtx = flavor === 'rtx1';
  if (isRtx !== (library.flavor === 'rtx1'))
    return [no('flavor', `it was built by ${built} and this machine has ${productOf(library)}`)];
  if (version === library.version) return [];
  const [from, to] = [numbersOf(version), numbersOf(library.version)];
  const order = compare(from, to);
  const text = `it was built by ${built} and this machine has ${productOf(library)}`;
  const isSameRelease = compare(from.slice(0, 3), to.slice(0, 3)) === 0;
  if (isRtx) {
    return isSameRelease
      ? [unknown('version', `${text}, another build of the same release`)]
      : [no('version', `${text}, and engines of TensorRT-RTX run with their own release alone`)];
  }
  if (engine.options?.versionCompatible !== true) {
    if (isSameRelease) return [unknown('version', `${text}, another build of the same release`)];
    return [
      no('version', `${text}; it is not version-compatible and runs with its own version alone`),
    ];
  }
  if (order > 0)
    return [no('version', `${text}; version-compatible engines run with later versions`)];
  const pair = `${from[0]} ${to[0]}`;
  if (from[0] !== to[0] && pair !== '8 10' && pair !== '10 11') {
    return [
      no('version', `${text}; among major versions only 8 to 10 and 10 to 11 are compatible`),
    ];
  }
  if (from[0] === 8 && from[1]! < 6)
    return [no('version', `${text}; version compatibility begins with TensorRT 8.6`)];
  if (engine.options.excludeLeanRuntime === true) {
    return [
      unknown(
        'version',
        `${text}; it needs the lean runtime of TensorRT ${version}, which it leaves out`,
      ),
    ];
  }
  return [];
}

/** Compute capability and compatibility level against one device of the machine. */
export function judgeDevice(
  engine: CompatibilityFacts,
  device: Device,
  isJetson: boolean,
): CompatibilityReason[] {
  const own = device.computeCapability;
  const has = `this machine's ${device.name} has ${own}`;
  const topic = 'compute-capability';
  if (engine.flavor === 'rtx1') {
    const listed = engine.computeCapabilities ?? [];
    const builtFor = engine.device?.computeCapability;
    if (listed.includes('current') && builtFor === undefined)
      return [unknown(topic, `its file does not tell which GPU it was built on, and ${has}`)];
    const named = listed.map((item) => (item === 'current' ? builtFor! : item));
    if (named.length > 0) {
      if (named.includes(own)) return [];
      return [no(topic, `it was built for compute capability ${named.join(', ')} and ${has}`)];
    }
    if (rtxDefault.includes(own) || Number(own) > 12) return [];
    const text = `it was built for compute capability ${rtxDefault.join(', ')} and later, and ${has}`;
    return [Number(own) < 8 ? no(topic, text) : unknown(topic, text)];
  }
  const level = engine.options?.hardwareCompatibility ?? 'none';
  if (level === 'ampere+') {
    if (Number(own) < 8) return [no(topic, `it was built for Ampere and later (8.0) and ${has}`)];
    return isJetson
      ? [no(topic, 'hardware compatibility "ampere+" is not supported on Jetson')]
      : [];
  }
  const built = engine.device;
  if (!built)
    return [unknown(topic, `its file does not tell which GPU it was built on, and ${has}`)];
  if (built.computeCapability !== own) {
    const how = level === 'same-compute-capability' ? ' for the same compute capability' : '';
    return [
      no(topic, `it was built on ${built.name} (${built.computeCapability})${how} and ${has}`),
    ];
  }
  if (level !== 'same-compute-capability' && built.name !== device.name) {
    return [
      unknown(
        topic,
        `it was built on ${built.name} without hardware compatibility and this machine has ${device.name}, ` +
          'another model of the same compute capability',
      ),
    ];
  }
  return [];
}

/** An older driver than the one that the engine was built with. */
export function judgeDriver(
  engine: CompatibilityFacts,
  machine: EngineMachine,
): CompatibilityReason[] {
  if (engine.cudaVersion === undefined || machine.cudaVersion === undefined) return [];
  if (compare(numbersOf(engine.cudaVersion), numbersOf(machine.cudaVersion)) <= 0) return [];
  const text = `it was built with a driver for CUDA ${engine.cudaVersion} and this machine's serves CUDA ${machine.cudaVersion}`;
  return [engine.flavor === 'rtx1' ? no('driver', text) : unknown('driver', text)];
}

export function judgePlugins(
  engine: CompatibilityFacts,
  machine: EngineMachine,
): CompatibilityReason[] {
  const needed = engine.plugins ?? [];
  if (needed.length === 0) return [];
  // Libraries that were serialised into the engine are brought along.
  const serialized = engine.options?.pluginsToSerialize;
  if (Array.isArray(serialized) && serialized.length > 0) return [];
  if (!machine.plugins)
    return [
      unknown('plugins', `it needs plug-ins for ${needed.join(', ')}, which have to be there`),
    ];
  const lacking = needed.filter((name) => !machine.plugins!.includes(name));
  if (lacking.length === 0) return [];
  return [no('plugins', `it needs plug-ins that are not there: ${lacking.join(', ')}`, false)];
}

function numbersOf(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
