import { TensorRTNodeError } from '../../errors';
import { type Flavor, flavors, type TrtSetting } from '../../native/trt-contract';
import { describe } from '../../validate';
import { floors, type SettingRule, type Since } from './rule';
import { type SettingName, settingTable } from './table';

/** The library that a build would use: version such as `10.3.0.26`. */
export interface BuildLibrary {
  flavor: Flavor;
  version: string;
}

/**
 * Settings are applied or refused, never passed over.
 * @throws ERR_INVALID_ARGUMENT for a setting or value that the library's flavour lacks, ERR_TENSORRT_VERSION for
 * one that came with a later version of it; the message names flavour, version and what to do instead.
 */
export function requireAvailable(
  settings: readonly TrtSetting[],
  computeCapabilities: readonly string[],
  library: BuildLibrary,
): void {
  for (const { name, value } of settings) {
    const rule: SettingRule = settingTable[name as SettingName];
    if (lacks(rule.since, library))
      throw unavailable(`options.${name}`, rule.since!, value, rule.alternative, library);
    if (rule.kind !== 'choice' && rule.kind !== 'set') continue;
    for (const text of Array.isArray(value) ? value : [String(value)]) {
      const { since, alternative } = rule.choices[text]!;
      if (lacks(since, library))
        throw unavailable(`options.${name} "${text}"`, since!, value, alternative, library);
    }
  }
  if (computeCapabilities.length > 0 && library.flavor !== 'rtx1')
    throw unavailable(
      'options.computeCapabilities',
      { rtx1: 0 },
      computeCapabilities,
      "leave it out, TensorRT builds for this machine's GPU; hardwareCompatibility widens the plan",
      library,
    );
}

function minorOf(version: string): number {
  return Number(version.split('.')[1]);
}

function lacks(since: Since | undefined, { flavor, version }: BuildLibrary): boolean {
  if (since === undefined) return false;
  const minor = since[flavor];
  return minor === undefined || minorOf(version) < minor;
}

function unavailable(
  name: string,
  since: Since,
  received: unknown,
  alternative: string | undefined,
  { flavor, version }: BuildLibrary,
): TensorRTNodeError {
  const having = flavors
    .filter((item) => since[item] !== undefined)
    .map((item) => {
      const [major, floor] = floors[item];
      return `${item} from ${major}.${Math.max(since[item]!, floor)}`;
    });
  return new TensorRTNodeError(
    since[flavor] === undefined ? 'ERR_INVALID_ARGUMENT' : 'ERR_TENSORRT_VERSION',
    `Expected ${having.join(' or ')} for ${name} but received ${describe(received)} with ${flavor} ${version}${alternative === undefined ? '' : `: ${alternative}`}`,
  );
}
