// The C++ tests under ThreadSanitizer or valgrind, or clang-tidy over the sources: too slow for every run, so by
// hand.
//   node scripts/check-native.mjs thread|valgrind|tidy
// Needs CMake, GoogleTest for the tests, and valgrind for its lane. Exit code 1 when anything is found.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parallelJobs } from './prepare/prepare.mjs';
import { fromRoot, printFailure, probe, run, StepError } from './prepare/process.mjs';
import { ensureClangTidy } from './prepare/tools.mjs';

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

/** Every source of native/, each flavour of native/trt on its own. */
async function runTidy() {
  const tidy = await ensureClangTidy();
  if (!tidy) throw new StepError('clang-tidy could not be had from PyPI');
  const folder = fromRoot('build-tidy');
  const generator = (await probe('ninja')) ? ['-G', 'Ninja'] : [];
  await run('cmake', [
    ...['-S', fromRoot(), '-B', folder, ...generator],
    ...['-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DCMAKE_EXPORT_COMPILE_COMMANDS=ON'],
  ]);
  const database = path.join(folder, 'compile_commands.json');
  // The one option of g++ in it that clang does not know.
  const commands = readFileSync(database, 'utf8').replaceAll(' -fno-gnu-unique', '');
  writeFileSync(database, commands);
  const files = [...new Set(JSON.parse(commands).map(({ file }) => file))].filter((file) =>
    file.startsWith(fromRoot('native')),
  );
  const waiting = [...files];
  let findings = 0;
  const work = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const args = ['-p', folder, '--quiet', '--warnings-as-errors=*', file];
      const { code, output } = await run(tidy, args, { allowFailure: true });
      if (code === 0) continue;
      findings++;
      console.log(output.trim());
    }
  };
  await Promise.all(Array.from({ length: parallelJobs }, work));
  if (findings > 0) throw new StepError(`clang-tidy has findings in ${findings} files.`);
  console.log(`clang-tidy has no finding in ${files.length} files.`);
}

async function main(name) {
  if (name === 'tidy') return runTidy();
  const lane = lanes[name];
  if (!lane)
    throw new StepError(
      `usage: node scripts/check-native.mjs ${Object.keys(lanes).join('|')}|tidy`,
    );
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
