import { generateKeyPair, type JsonWebKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Random, SshKeyPair } from '../core/ports.js';

// Not at once: the file is loaded at every start, and node:crypto takes three milliseconds.
const generate = () => promisify(generateKeyPair);

/**
 * A new key pair for a login, or for a guest's sshd (its public line without the line end is what is pinned); without comment or
 * passphrase. ed25519 is in OpenSSH's own format, RSA 2048 in PKCS#1, which old readers take too. Made with Node alone: nothing here
 * loads an SSH client.
 */
export async function generateSshKey(type: 'ed25519' | 'rsa', random: Random): Promise<SshKeyPair> {
  if (type === 'rsa') {
    const { privateKey, publicKey } = await generate()('rsa', { modulusLength: 2048 });
    const { e, n } = publicKey.export({ format: 'jwk' });
    const blob = Buffer.concat([text('ssh-rsa'), integer(bytesOf(e)), integer(bytesOf(n))]);
    return {
      privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
      publicKey: `ssh-rsa ${blob.toString('base64')}\n`,
    };
  }
  const { privateKey } = await generate()('ed25519', {});
  return ed25519Pair(privateKey, random);
}

/**
 * Node has no export in OpenSSH's format. Its parts: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key ;
 * the private part of ed25519 is seed and public key in one string.
 */
function ed25519Pair(privateKey: KeyObject, random: Random): SshKeyPair {
  const jwk: JsonWebKey = privateKey.export({ format: 'jwk' });
  const seed = bytesOf(jwk.d);
  const point = bytesOf(jwk.x);
  const blob = Buffer.concat([text('ssh-ed25519'), bytes(point)]);
  const check = Buffer.from(random.bytes(4));
  const secrets = Buffer.concat([
    check,
    check, // twice: how a reader sees that it decrypted well
    text('ssh-ed25519'),
    bytes(point),
    bytes(Buffer.concat([seed, point])),
    text(''), // comment
  ]);
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'), // cipher
    text('none'), // key derivation
    text(''),
    length(1),
    bytes(blob),
    bytes(padded(secrets)),
  ]);
  const lines = body.toString('base64').replace(/(.{70})(?=.)/g, '$1\n');
  return {
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`,
    publicKey: `ssh-ed25519 ${blob.toString('base64')}\n`,
  };
}

/** Up to a multiple of 8 bytes with 1, 2, 3 ... */
function padded(secrets: Buffer): Buffer {
  const missing = (8 - (secrets.length % 8)) % 8;
  return Buffer.concat([secrets, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))]);
}

function bytesOf(base64url: string | undefined): Buffer {
  return Buffer.from(base64url ?? '', 'base64url');
}

function length(value: number): Buffer {
  const encoded = Buffer.alloc(4);
  encoded.writeUInt32BE(value);
  return encoded;
}

function bytes(value: Buffer): Buffer {
  return Buffer.concat([length(value.length), value]);
}

function text(value: string): Buffer {
  return bytes(Buffer.from(value));
}

/** A positive integer: a zero byte before a first bit that would mean minus (RFC 4251, section 5: mpint). */
function integer(value: Buffer): Buffer {
  return bytes((value[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.alloc(1), value]) : value);
}
