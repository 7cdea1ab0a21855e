import { isObject } from './engine-facts';

/** An Ed25519 signature inside the JSON of a plan file. */
export interface EngineSignature {
  format: 1;
  algorithm: 'ed25519';
  /** SHA-256 of the public key in its DER form (SubjectPublicKeyInfo), in hexadecimal. */
  keyId: string;
  /** The 64 bytes in base64. */
  value: string;
}

/** The value as a signature, or undefined where it has another form. Nothing is verified. */
export function checkSignature(value: unknown): EngineSignature | undefined {
  const sound =
    isObject(value) &&
    value.format === 1 &&
    value.algorithm === 'ed25519' &&
    typeof value.keyId === 'string' &&
    /^[0-9a-f]{64}$/.test(value.keyId) &&
    typeof value.value === 'string' &&
    /^[A-Za-z0-9+/]{86}==$/.test(value.value);
  return sound ? (value as unknown as EngineSignature) : undefined;
}
