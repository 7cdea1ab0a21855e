import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeMachine, findNvidiaTraces } from '../../../src/doctor/machine';

describe('traces of NVIDIA', () => {
  let root: string;
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'tn-traces-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('are none on an empty system', () => {
    expect(findNvidiaTraces(root)).toEqual({ pciGpus: 0, isWsl: false });
  });

  it('are the kernel module, old or open, and display controllers on the bus', () => {
    const line = (kind: string) =>
      `NVRM version: NVIDIA UNIX ${kind}  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version: 12\n`;
    for (const kind of ['x86_64 Kernel Module', 'Open Kernel Module for x86_64']) {
      write('proc/driver/nvidia/version', line(kind));
      expect(findNvidiaTraces(root).kernelModule).toBe('550.54.15');
    }
    const device = (id: string, vendor: string, kind: string) => {
      write(`sys/bus/pci/devices/${id}/vendor`, `${vendor}\n`);
      write(`sys/bus/pci/devices/${id}/class`, `${kind}\n`);
    };
    device('0000:01:00.0', '0x10de', '0x030000');
    device('0000:01:00.1', '0x10de', '0x040300');
    device('0000:02:00.0', '0x10de', '0x030200');
    device('0000:00:02.0', '0x8086', '0x030000');
    expect(findNvidiaTraces(root).pciGpus).toBe(2);
  });

  it('are the name of a Jetson and the device of WSL', () => {
    write('proc/device-tree/model', 'NVIDIA Jetson Orin Nano Developer Kit\0');
    write('dev/dxg', '');
    expect(findNvidiaTraces(root)).toMatchObject({
      jetson: 'NVIDIA Jetson Orin Nano Developer Kit',
      isWsl: true,
    });
    write('proc/device-tree/model', 'Raspberry Pi 5\0');
    expect(findNvidiaTraces(root).jetson).toBeUndefined();
  });
});

it('the machine is described by what Node and the system say', () => {
  const facts = describeMachine();
  expect(facts).toMatchObject({ node: process.versions.node, arch: process.arch });
  expect(facts.glibc).toMatch(/^2\.\d+$/);
  expect(facts.availableCores).toBeGreaterThanOrEqual(1);
  expect(facts.availableCores).toBeLessThanOrEqual(facts.cores);
  expect(facts.memoryLimitBytes ?? 0).toBeLessThan(facts.memoryBytes);
});
