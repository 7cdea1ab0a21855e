import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { availableCores } from '../session/cpu-budget';

export interface MachineFacts {
  /** `Debian GNU/Linux 12 (bookworm)` */
  readonly system: string;
  readonly kernel: string;
  readonly arch: string;
  /** Absent on systems with another C library (musl), where nothing native of this package runs. */
  readonly glibc?: string;
  readonly cpu: string;
  readonly cores: number;
  /** What affinity and the container's quota leave of them. */
  readonly availableCores: number;
  readonly memoryBytes: number;
  /** Set where the container's limit is below the machine's memory. */
  readonly memoryLimitBytes?: number;
  readonly node: string;
  readonly nodePath: string;
}

export function describeMachine(): MachineFacts {
  const glibc = glibcVersion();
  const limit = process.constrainedMemory();
  const memoryBytes = os.totalmem();
  return {
    system: systemName(),
    kernel: os.release(),
    arch: process.arch,
    ...(glibc === undefined ? {} : { glibc }),
    cpu: os.cpus()[0]?.model.trim() || 'unknown',
    cores: os.cpus().length,
    availableCores: availableCores(),
    memoryBytes,
    // Without a limit, the control group states none (0) or one beyond every memory.
    ...(limit && limit < memoryBytes ? { memoryLimitBytes: limit } : {}),
    node: process.versions.node,
    nodePath: process.execPath,
  };
}

function systemName(): string {
  const text = readText('/etc/os-release') ?? '';
  return /^PRETTY_NAME="?([^"\n]+)/m.exec(text)?.[1] ?? os.type();
}

function glibcVersion(): string | undefined {
  // The network's part of a report can take seconds and is not needed.
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}

export interface NvidiaTraces {
  /** Release of the kernel module: `550.54.15`. */
  readonly kernelModule?: string;
  /** NVIDIA GPUs on the PCI bus, with or without a driver. */
  readonly pciGpus: number;
  /** `NVIDIA Jetson Orin Nano` */
  readonly jetson?: string;
  readonly isWsl: boolean;
}

/** What says that there is an NVIDIA GPU although the driver does not answer. */
export function findNvidiaTraces(root = '/'): NvidiaTraces {
  const at = (...parts: string[]): string => path.join(root, ...parts);
  const module = readText(at('proc/driver/nvidia/version'));
  const kernelModule = module && /Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s/.exec(module)?.[1];
  const model = readText(at('proc/device-tree/model'))?.replaceAll('\0', '');
  const devices = at('sys/bus/pci/devices');
  const pciGpus = entriesOf(devices).filter(
    (entry) =>
      readText(path.join(devices, entry, 'vendor'))?.trim() === '0x10de' &&
      // Display controllers; the sound and USB parts of a card have other classes.
      readText(path.join(devices, entry, 'class'))?.startsWith('0x03'),
  ).length;
  return {
    ...(kernelModule ? { kernelModule } : {}),
    pciGpus,
    ...(model && /nvidia|jetson/i.test(model) ? { jetson: model } : {}),
    isWsl: entriesOf(at('dev')).includes('dxg'),
  };
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
