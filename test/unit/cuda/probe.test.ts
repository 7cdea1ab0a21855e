import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../../src/native/binding';
import { compileLibrary } from '../../helpers/compile';

/** A driver with the public driver API's functions, of two devices; the second one lacks a name and a UUID. */
const driverSource = `
#include <string.h>
#include <stddef.h>
int cuInit(unsigned flags) { return flags == 0 ? 0 : 1; }
int cuDriverGetVersion(int *version) { *version = 13010; return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal + 40; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
  if (device == 41) return 101;
  strncpy(name, "Test GPU", length);
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  switch (attribute) {
    case 16: *value = 84; return 0;
    case 18: *value = device == 41; return 0;
    case 75: *value = 8; return 0;
    case 76: *value = device == 40 ? 9 : 7; return 0;
    default: return 1;
  }
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t)24 << 30; return 0; }
int cuDeviceGetUuid_v2(unsigned char *uuid, int device) {
  if (device == 41) return 999;
  for (int i = 0; i < 16; i++) uuid[i] = i * 16 + 1;
  return 0;
}
int cuDeviceGetPCIBusId(char *id, int length, int device) {
  strncpy(id, "0000:01:00.0", length);
  return 0;
}
int cuGetErrorName(int status, const char **text) {
  *text = status == 101 ? "CUDA_ERROR_INVALID_DEVICE" : "CUDA_ERROR_UNKNOWN";
  return 0;
}
int cuGetErrorString(int status, const char **text) { *text = "test"; return 0; }
`;

describe('the CUDA driver', () => {
  let folder = '';
  const compile = (name: string, source: string) =>
    compileLibrary(path.join(folder, name, 'libcuda.so.1'), source);
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tn-cuda-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('describes its devices, and says which facts it could not get', async () => {
    const driver = compile('good', driverSource);
    for (let round = 0; round < 2; round++) {
      expect(await native().cudaProbe(driver)).toEqual({
        libraryPath: driver,
        cudaVersion: '13.1',
        devices: [
          {
            ordinal: 0,
            name: 'Test GPU',
            computeCapability: '8.9',
            memoryBytes: 24 * 2 ** 30,
            multiprocessors: 84,
            isIntegrated: false,
            uuid: 'GPU-01112131-4151-6171-8191-a1b1c1d1e1f1',
            pciBusId: '0000:01:00.0',
            problems: [],
          },
          {
            ordinal: 1,
            name: '',
            computeCapability: '8.7',
            memoryBytes: 24 * 2 ** 30,
            multiprocessors: 84,
            isIntegrated: true,
            pciBusId: '0000:01:00.0',
            problems: [
              'cuDeviceGetName failed with CUDA_ERROR_INVALID_DEVICE: test',
              'cuDeviceGetUuid failed with CUDA_ERROR_UNKNOWN: test',
            ],
          },
        ],
      });
    }
  });

  it.each([
    ['no device', 100, /does not start: CUDA status 100; in a container/],
    ['the stub of the toolkit', 34, /CUDA status 34; this is the toolkit's stub/],
    ['another release than the kernel module', 803, /reboot/],
  ])('says so when it reports %s', async (_what, status, reason) => {
    const driver = compile(`status-${status}`, `int cuInit(unsigned flags) { return ${status}; }`);
    const probe = await native().cudaProbe(driver);
    expect(probe.devices).toEqual([]);
    expect(probe.reason).toMatch(reason);
    expect(probe.reason).toContain(driver);
  });

  it('says when it is absent, no driver, lacks a function or counts no device', async () => {
    const reason = async (file: string) => (await native().cudaProbe(file)).reason;
    expect(await reason(path.join(folder, 'none.so'))).toMatch(/could not be opened: .*none\.so/);
    expect(await reason(compile('other', 'int f(void) { return 0; }'))).toMatch(/no cuInit/);
    const start = 'int cuInit(unsigned flags) { return 0; }';
    expect(await reason(compile('part', start))).toMatch(/exports no cuDriverGetVersion/);
    const empty = `${start}
      int cuDriverGetVersion(int *version) { *version = 12040; return 0; }
      int cuDeviceGetCount(int *count) { *count = 0; return 0; }`;
    expect(await native().cudaProbe(compile('empty', empty))).toMatchObject({
      cudaVersion: '12.4',
      devices: [],
      reason: expect.stringContaining('sees no device'),
    });
  });

  it('refuses a path that is no string', () => {
    expect(() => native().cudaProbe(1 as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    );
  });
});
