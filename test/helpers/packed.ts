import { type ExecFileSyncOptions, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from './data';

export interface PackedFile {
  path: string;
  size: number;
  mode: number;
}

export interface Packed {
  tarball: string;
  files: PackedFile[];
  /** Bytes of the tarball. */
  size: number;
}

/** Packs the project as `npm publish` would. The addon and lib must have been built before. */
export function pack(folder: string): Packed {
  const prebuilds = path.join(projectRoot, 'prebuilds', `${process.platform}-${process.arch}`);
  for (const needed of [prebuilds, path.join(projectRoot, 'lib', 'index.js')]) {
    if (!existsSync(needed))
      throw new Error(
        `Expected ${needed}: run "npm run build" and "npm run prebuild" before this test`,
      );
  }
  const output = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: projectRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const parsed = JSON.parse(output) as unknown;
  const [entry] = Object.values(parsed as Record<string, unknown>) as {
    filename: string;
    size: number;
    files: PackedFile[];
  }[];
  return { tarball: path.join(folder, entry!.filename), files: entry!.files, size: entry!.size };
}

/** A new empty folder outside the project, so that nothing resolves into the checkout. */
export const emptyFolder = (): string =>
  realpathSync(mkdtempSync(path.join(tmpdir(), 'tensorrt-node-package-')));

/**
 * Installs a tarball into a folder as a user would.
 *
 * @param args further arguments of `npm install`
 * @param env further environment variables
 */
export function install(
  folder: string,
  tarball: string,
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
): void {
  writeFileSync(path.join(folder, 'package.json'), '{"private":true,"name":"consumer"}\n');
  const result = spawnSync('npm', ['install', '--no-audit', '--no-fund', ...args, tarball], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...cleanEnvironment(), ...env },
    timeout: 240_000,
  });
  if (result.status !== 0)
    throw new Error(`npm install failed (${result.status}):\n${result.stdout}\n${result.stderr}`);
}

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs Node (the version of this test) in a consumer's folder, on prebuilt binaries alone. */
export function runNode(
  folder: string,
  args: string[],
  options: ExecFileSyncOptions = {},
): Outcome {
  return runIn(folder, process.execPath, args, options);
}

export function runIn(
  folder: string,
  command: string,
  args: string[],
  options: ExecFileSyncOptions = {},
): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...cleanEnvironment(), PREBUILDS_ONLY: '1', ...options.env },
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

/** Without what npm sets for the scripts it runs, which would reach the npm and the Node that are tested. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(npm_(config|package|lifecycle|command)|NODE_OPTIONS|VITEST|TENSORRT_NODE_)/i.test(name),
    ),
  );
}
