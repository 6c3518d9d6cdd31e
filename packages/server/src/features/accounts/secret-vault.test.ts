import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomId } from '../../kernel/codec/random-id.ts';
import { SecretVault } from './secret-vault.ts';

const vaultOf = (byte: number) => new SecretVault({ key: Buffer.alloc(32, byte), randomId });

describe('secret vault', () => {
  const vault = vaultOf(1);

  it('makes secrets of 48 letters and digits', () => {
    expect(vault.newSecret()).toMatch(/^[0-9a-zA-Z]{48}$/);
    expect(vault.newSecret()).not.toBe(vault.newSecret());
  });

  it('gives back what it stored, and knows it by its hash', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (secret, given) => {
        const { hash, sealed } = vault.store(secret, '1/1/s');
        expect(vault.open(sealed, '1/1/s')).toBe(secret);
        expect(vault.secretMatches(hash, secret)).toBe(true);
        expect(vault.secretMatches(hash, given)).toBe(given === secret);
      }),
    );
  });

  it('seals the same secret differently every time', () => {
    expect(vault.store('s', 'o').sealed).not.toBe(vault.store('s', 'o').sealed);
    expect(vault.store('s', 'o').hash).toBe(vault.store('s', 'o').hash);
  });

  it('opens nothing for another owner, under another key, or after a change', () => {
    const { hash, sealed } = vault.store('secret', '1/1/s');
    expect(() => vault.open(sealed, '1/1/t')).toThrow('cannot be opened');
    expect(() => vaultOf(2).open(sealed, '1/1/s')).toThrow('cannot be opened');
    expect(vaultOf(2).secretMatches(hash, 'secret')).toBe(false);
    const bytes = Buffer.from(sealed, 'base64');
    for (const index of bytes.keys()) {
      const changed = Buffer.from(bytes);
      changed[index]! ^= 1;
      expect(() => vault.open(changed.toString('base64'), '1/1/s')).toThrow('cannot be opened');
    }
    expect(() => vault.open('', '1/1/s')).toThrow('cannot be opened');
    expect(vault.secretMatches('', 'secret')).toBe(false);
  });

  it('wants a key of 32 bytes', () => {
    expect(() => new SecretVault({ key: Buffer.alloc(31), randomId })).toThrow('has 31 bytes');
  });
});
