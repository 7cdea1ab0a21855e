import {
  createHash,
  createPrivateKey,
  createPublicKey,
  KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { TensorRTNodeError } from '../errors';
import { invalidArgument, invalidValue } from '../validate';
import { canonicalJson } from './canonical-json';
import { type PlanHeader, signatureKey } from './plan-file';
import type { EngineSignature } from './signature-format';

/** An Ed25519 key: a `KeyObject`, or the text of a PEM file. */
export type EngineKey = KeyObject | string | Uint8Array;

/** Names a PEM file of public keys; when it is set, every engine that is loaded must be signed by one of them. */
const verifyVariable = 'TENSORRT_NODE_VERIFY_KEY';

/**
 * What is signed: the UTF-8 bytes of three lines joined by `\n`, without one at the end:
 *
 * 1. `tensorrt-node engine signature 1`
 * 2. the SHA-256 of the plan (what follows the JSON in the file), 64 lower-case hexadecimal digits
 * 3. the file's JSON without its key `tensorrtNodeSignature`: keys sorted by their UTF-16 code units, no white
 *    space, strings and numbers as `JSON.stringify` writes them (the form of RFC 8785)
 */
function signedBytes(metadata: Readonly<Record<string, unknown>>, planSha256: string): Buffer {
  const { [signatureKey]: _, ...rest } = metadata;
  return Buffer.from(
    `tensorrt-node engine signature 1\n${planSha256}\n${canonicalJson(rest)}`,
    'utf8',
  );
}

/** The metadata with a signature over it and the plan, in place of an older one. */
export function withSignature(
  metadata: Readonly<Record<string, unknown>>,
  planSha256: string,
  key: KeyObject,
): Record<string, unknown> {
  const signature: EngineSignature = {
    format: 1,
    algorithm: 'ed25519',
    keyId: keyIdOf(createPublicKey(key)),
    value: signBytes(null, signedBytes(metadata, planSha256), key).toString('base64'),
  };
  return { ...metadata, [signatureKey]: signature };
}

/**
 * @param planSha256 of the plan's bytes, not the one that the metadata states
 * @throws ERR_ENGINE_SIGNATURE unless one of the keys signed just this plan with just this metadata
 */
export function requireSignature(
  header: PlanHeader,
  planSha256: string,
  keys: readonly KeyObject[],
  label: string,
): void {
  const refuse = (reason: string): TensorRTNodeError =>
    new TensorRTNodeError(
      'ERR_ENGINE_SIGNATURE',
      `Expected ${label} to be signed by the verification key but ${reason}`,
    );
  const { signature } = header;
  if (!signature) throw refuse('it has no signature');
  const known = keys.filter((key) => keyIdOf(key) === signature.keyId);
  if (known.length === 0) throw refuse(`it is signed by key ${signature.keyId.slice(0, 16)}…`);
  const bytes = signedBytes(header.metadata, planSha256);
  const value = Buffer.from(signature.value, 'base64');
  if (!known.some((key) => verifyBytes(null, bytes, key, value)))
    throw refuse('its signature is of another plan or other metadata: the file was changed');
}

/** Fingerprint of a public key, as signatures name it. */
export function keyIdOf(key: KeyObject): string {
  const der = key.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex');
}

/** @throws ERR_INVALID_ARGUMENT when it is no private Ed25519 key */
export function toPrivateKey(name: string, value: unknown): KeyObject {
  const expected = 'a private Ed25519 key, as PEM text or KeyObject,';
  const key = toKey(name, expected, value, (pem) => createPrivateKey(pem));
  if (key.type !== 'private' || key.asymmetricKeyType !== 'ed25519')
    throw invalidValue(name, expected, kindOf(key));
  return key;
}

/**
 * One key or several; a PEM text may hold many.
 * @throws ERR_INVALID_ARGUMENT when one is no public Ed25519 key, or there is none
 */
export function toPublicKeys(name: string, value: unknown): KeyObject[] {
  const expected = 'public Ed25519 keys, as PEM text or KeyObject,';
  const keys = (Array.isArray(value) ? value : [value]).flatMap((item) =>
    pemBlocks(item).map((block) => {
      // A private key would give its public half: nobody means to hand that out with engines.
      if (typeof block === 'string' && block.includes('PRIVATE KEY'))
        throw invalidValue(name, expected, 'a private key');
      const key = toKey(name, expected, block, (pem) => createPublicKey(pem));
      if (key.type !== 'public' || key.asymmetricKeyType !== 'ed25519')
        throw invalidValue(name, expected, kindOf(key));
      return key;
    }),
  );
  if (keys.length === 0) throw invalidValue(name, expected, 'none');
  return keys;
}

/**
 * The keys that an engine has to be signed by: those given, else those of the file that
 * `TENSORRT_NODE_VERIFY_KEY` names, else, and for `false`, undefined: signatures are not asked for.
 * @throws ERR_IO when that file cannot be read, ERR_INVALID_ARGUMENT
 */
export async function verificationKeys(
  name: string,
  given: EngineKey | readonly EngineKey[] | false | undefined,
): Promise<KeyObject[] | undefined> {
  if (given === false) return undefined;
  if (given !== undefined) return toPublicKeys(name, given);
  const file = process.env[verifyVariable];
  if (!file) return undefined;
  const pem = await readFile(file, 'utf8').catch((cause) => {
    throw new TensorRTNodeError(
      'ERR_IO',
      `Expected a file of public keys for ${verifyVariable} but ${file} cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  });
  return toPublicKeys(verifyVariable, pem);
}

function pemBlocks(value: unknown): unknown[] {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return [value];
  const text = typeof value === 'string' ? value : Buffer.from(value).toString('latin1');
  return text.match(/-----BEGIN [^-]+-----[^-]*-----END [^-]+-----/g) ?? [text];
}

function toKey(
  name: string,
  expected: string,
  value: unknown,
  parse: (pem: string | Buffer) => KeyObject,
): KeyObject {
  if (value instanceof KeyObject) return value;
  if (typeof value !== 'string' && !(value instanceof Uint8Array))
    throw invalidArgument(name, expected, value);
  try {
    return parse(typeof value === 'string' ? value : Buffer.from(value));
  } catch (cause) {
    // Never the text itself: it may be a private key.
    throw new TensorRTNodeError(
      'ERR_INVALID_ARGUMENT',
      `Expected ${expected} for ${name} but received text that is none: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function kindOf(key: KeyObject): string {
  return `a ${key.type} key${key.asymmetricKeyType ? ` of type ${key.asymmetricKeyType}` : ''}`;
}
