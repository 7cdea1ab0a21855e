// The C++ tests under ThreadSanitizer or valgrind: too slow for every run, so by hand.
//   node scripts/check-native.mjs thread|valgrind
// Needs CMake, GoogleTest, and valgrind for the latter. Exit code 1 when anything is found.
import path from 'node:path';
import { parallelJobs } from './prepare/prepare.mjs';
import { fromRoot, printFailure, probe, run, StepError } from './prepare/process.mjs';

// ONNX Runtime is not instrumented and has findings of its own: what calls it is left to the other lanes.
const ownCode = '--gtest_filter=-Cpu*:OrtStay*';

const lanes = {
  thread: {
    cmake: ['-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DTENSORRT_NODE_SANITIZE_THREAD=ON'],
    test: (binary) => [binary, [ownCode]],
  },
  valgrind: {
    // valgrind knows no AVX-512: the tests take what the processor that it plays offers.
    cmake: ['-DCMAKE_BUILD_TYPE=RelWithDebInfo'],
    test: (binary) => [
      'valgrind',
      [
        '--error-exitcode=1',
        '--leak-check=full',
        '--errors-for-leak-kinds=definite',
        binary,
        ownCode,
      ],
    ],
  },
};

async function main(name) {
  const lane = lanes[name];
  if (!lane)
    throw new StepError(`usage: node scripts/check-native.mjs ${Object.keys(lanes).join('|')}`);
  if (name === 'valgrind' && !(await probe('valgrind')))
    throw new StepError('valgrind is missing: "apt-get install valgrind"');
  const folder = fromRoot(`build-${name}`);
  const generator = (await probe('ninja')) ? ['-G', 'Ninja'] : [];
  await run('cmake', [
    ...['-S', fromRoot(), '-B', folder, ...generator],
    '-DTENSORRT_NODE_TESTS=ON',
    ...lane.cmake,
  ]);
  const target = 'tensorrt_node_tests';
  await run('cmake', ['--build', folder, '--target', target, '--parallel', String(parallelJobs)]);
  const [command, args] = lane.test(path.join(folder, 'test', 'native', target));
  await run(command, args, { live: true });
}

try {
  await main(process.argv[2]);
} catch (error) {
  printFailure(error);
  process.exitCode = 1;
}
