// npm run prebuild: fills prebuilds/<platform>-<arch> with the stripped addon, and says what it needs.
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { buildNative, installPackages } from './prepare/prepare.mjs';
import { fromRoot, printFailure, run, StepError } from './prepare/process.mjs';
import { ensureTools } from './prepare/tools.mjs';

/** The newest glibc that the addon may need: that of Debian 12. TensorRT's own libraries need less. */
const newestGlibc = [2, 36];

async function main() {
  await ensureTools();
  await installPackages();
  await buildNative();
  const staging = fromRoot('build', 'prebuild');
  const target = `${process.platform}-${process.arch}`;
  const output = fromRoot('prebuilds', target);
  rmSync(output, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  const prebuildify = promisify(createRequire(import.meta.url)('prebuildify'));
  await prebuildify({
    cwd: staging,
    out: fromRoot(),
    name: 'tensorrt-node',
    napi: true,
    strip: true,
    quiet: true,
    targets: [{ runtime: 'node', target: process.versions.node }],
    shell: true,
    nodeGyp: `"${process.execPath}" "${fromRoot('scripts', 'cmake-shim.mjs')}"`,
  });
  const files = readdirSync(output);
  if (files.length !== 1)
    throw new StepError(`Expected one file in prebuilds/${target} but found: ${files.join(', ')}`);
  await describe(path.join(output, files[0]), path.join('prebuilds', target, files[0]));
}

async function describe(file, name) {
  const glibc = await neededGlibc(file);
  const { output } = await run('readelf', ['-d', file]);
  const libraries = [...output.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((match) => match[1]);
  const { compiled, absent } = createRequire(import.meta.url)(file).trtFlavors();
  const flavors = Object.entries(compiled).map(([flavor, { text }]) => `${flavor} (${text})`);
  console.log(`${name}  ${(statSync(file).size / 1e6).toFixed(2)} MB`);
  console.log(`  needs glibc ${glibc.join('.')} or later and: ${libraries.join(', ')}`);
  console.log(`  TensorRT flavours: ${flavors.join(', ') || 'none'}`);
  if (absent.length > 0)
    console.log(`  left out, for lack of headers (npm run setup): ${absent.join(', ')}`);
  if (glibc[0] > newestGlibc[0] || glibc[1] > newestGlibc[1])
    throw new StepError(
      `Expected an addon that runs on glibc ${newestGlibc.join('.')} but it needs ${glibc.join('.')}: build it on an older system.`,
    );
}

/** The highest GLIBC_x.y symbol version that the file refers to. */
async function neededGlibc(file) {
  const { output } = await run('objdump', ['-T', file]);
  const versions = [...output.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map((m) => [
    Number(m[1]),
    Number(m[2]),
  ]);
  return versions.reduce((high, next) =>
    next[0] > high[0] || (next[0] === high[0] && next[1] > high[1]) ? next : high,
  );
}

main().catch((error) => {
  printFailure(error);
  process.exitCode = 1;
});
