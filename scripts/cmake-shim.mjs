// Stands where prebuildify expects node-gyp: builds with cmake-js and leaves the addon where prebuildify
// looks for it, build/Release under its working folder. prebuildify strips and moves that file, so it gets
// a copy and the build of the project stays whole.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cmakeJs = path.join(root, 'node_modules', 'cmake-js', 'bin', 'cmake-js');
const isDebug = process.argv.includes('--debug');
const architecture = process.argv.find((arg) => arg.startsWith('--arch='))?.slice('--arch='.length);
if (architecture !== process.arch)
  throw new Error(
    `Expected to build for this machine's ${process.arch} but was asked for ${architecture}`,
  );

const options = ['--directory', root, ...(isDebug ? ['--debug'] : [])];
for (const step of [['configure'], ['build', '--parallel', '2']])
  execFileSync(process.execPath, [cmakeJs, ...step, ...options], { stdio: 'inherit' });

const folder = path.join('build', isDebug ? 'Debug' : 'Release');
mkdirSync(folder, { recursive: true });
copyFileSync(
  path.join(root, folder, 'tensorrt_node.node'),
  path.join(folder, 'tensorrt_node.node'),
);
