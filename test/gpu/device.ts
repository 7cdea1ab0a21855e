import { selectTensorRT } from '../../src/index';
import { native } from '../../src/native/binding';
import { type Flavor, flavors } from '../../src/native/trt-contract';

export interface DeviceHere {
  hasDevice: boolean;
  /** Flavours whose library is here and can build for the device; one name that stands for them without one. */
  flavors: Flavor[];
}

/** Asks the driver, and says on the console what it answered: a run that skipped all must not look like one that passed. */
export async function deviceHere(): Promise<DeviceHere> {
  const { devices, reason } = await native().cudaProbe();
  const names = devices.map(({ name, computeCapability }) => `${name} (${computeCapability})`);
  console.log(
    names.length > 0 ? `[gpu] ${names.join(', ')}` : `[gpu] SKIPPED, no CUDA device: ${reason}`,
  );
  if (names.length === 0) return { hasDevice: false, flavors: ['rtx1'] };
  const here: Flavor[] = [];
  for (const flavor of flavors) {
    await selectTensorRT({ flavor, purpose: 'build' }).then(
      () => here.push(flavor),
      () => {},
    );
  }
  if (here.length === 0)
    throw new Error('There is a CUDA device, and no TensorRT library that builds for it');
  return { hasDevice: true, flavors: here };
}
