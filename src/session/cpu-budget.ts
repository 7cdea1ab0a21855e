import { readFileSync } from 'node:fs';
import os from 'node:os';

/**
 * Cores that this process may really use: its affinity mask, cut to the control group's quota, at least 1.
 * Containers limit by quota, which neither the core count nor the mask shows.
 */
export function availableCores(): number {
  const quota = cgroupQuota();
  const cores = os.availableParallelism();
  return Math.max(1, quota === undefined ? cores : Math.min(cores, Math.ceil(quota)));
}

/** CPUs' worth of time per period that the control group allows, or undefined without a limit. */
function cgroupQuota(): number | undefined {
  const v2 = readNumbers('/sys/fs/cgroup/cpu.max');
  const [quota, period] = v2 ?? [
    readNumbers('/sys/fs/cgroup/cpu/cpu.cfs_quota_us')?.[0],
    readNumbers('/sys/fs/cgroup/cpu/cpu.cfs_period_us')?.[0],
  ];
  if (quota === undefined || period === undefined) return undefined;
  return quota > 0 && period > 0 ? quota / period : undefined;
}

function readNumbers(file: string): number[] | undefined {
  try {
    return readFileSync(file, 'utf8').trim().split(/\s+/).map(Number);
  } catch {
    return undefined;
  }
}
