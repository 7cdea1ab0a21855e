import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import type { EngineBuildOptions } from '../../engine/build-options';
import { Engine, type EngineLoadOptions } from '../../engine/engine';
import { TensorRTNodeError } from '../../errors';
import { printJson } from '../common';

export function registerSigning(program: Command): void {
  program
    .command('sign')
    .description('sign an engine file, in place or into another file')
    .argument('<engine>', 'engine file')
    .requiredOption('--key <file>', 'PEM file of the private Ed25519 key')
    .option('-o, --output <file>', 'write the signed engine here; default: replace the file')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  openssl genpkey -algorithm ed25519 -out signing.pem
  openssl pkey -in signing.pem -pubout -out verify.pem
  tensorrt-node sign model.engine --key signing.pem`,
    )
    .action(sign);
  program
    .command('verify')
    .description('check the digest of an engine file, and its signature where a key is given')
    .argument('<engine>', 'engine file')
    .option('--key <file>', 'PEM file of public Ed25519 keys; default: $TENSORRT_NODE_VERIFY_KEY')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  tensorrt-node verify model.engine
  tensorrt-node verify model.engine --key verify.pem`,
    )
    .action(verify);
}

async function sign(
  file: string,
  flags: { key: string; output?: string; json?: boolean },
): Promise<void> {
  const signingKey = await readKeyFile(flags.key);
  let engine = await Engine.load(file, { verifyKey: false });
  if (flags.output !== undefined) {
    await engine.save(flags.output);
    engine = await Engine.load(flags.output, { verifyKey: false });
  }
  await engine.sign(signingKey);
  const { signedBy } = engine.inspect();
  if (flags.json) printJson({ path: engine.path, signedBy });
  else process.stdout.write(`${engine.path}: signed by key ${signedBy}\n`);
}

async function verify(file: string, flags: { key?: string; json?: boolean }): Promise<void> {
  const engine = await Engine.load(file, await verifyOptions(flags.key));
  const { planSha256, signedBy } = engine.inspect();
  const isVerified = flags.key !== undefined || Boolean(process.env.TENSORRT_NODE_VERIFY_KEY);
  const result = {
    path: path.resolve(file),
    digest: planSha256 === undefined ? 'none' : 'good',
    signature: isVerified ? 'good' : signedBy === undefined ? 'none' : 'not checked',
    ...(signedBy === undefined ? {} : { signedBy }),
  };
  if (flags.json) {
    printJson(result);
    return;
  }
  const by = signedBy === undefined ? '' : ` (key ${signedBy})`;
  process.stdout.write(
    `${result.path}: digest ${result.digest}, signature ${result.signature}${by}\n`,
  );
}

/** The text of a key file. @throws ERR_IO */
export async function readKeyFile(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause) => {
    throw new TensorRTNodeError('ERR_IO', `The key ${file} cannot be read: ${cause.message}`, {
      cause,
    });
  });
}

/** Flags of the commands that build: where engines are kept, and what signs them. */
export interface KeepFlags {
  cache?: boolean | string;
  signKey?: string;
}

export async function keepOptions({
  cache,
  signKey,
}: KeepFlags): Promise<Pick<EngineBuildOptions, 'cache' | 'signingKey'>> {
  return {
    ...(cache === undefined
      ? {}
      : { cache: typeof cache === 'string' ? { directory: cache } : true }),
    ...(signKey === undefined ? {} : { signingKey: await readKeyFile(signKey) }),
  };
}

/** The option that a `--verify-key` or `--key` flag stands for. */
export async function verifyOptions(
  file: string | undefined,
): Promise<Pick<EngineLoadOptions, 'verifyKey'>> {
  return file === undefined ? {} : { verifyKey: await readKeyFile(file) };
}
