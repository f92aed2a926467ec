import { describe, expect, it } from 'vitest';
import { assertNever } from './assert-never.js';

describe('assertNever', () => {
  it('names the variant that should not exist', () => {
    expect(() => assertNever({ kind: 'unheard-of' } as never)).toThrow('unreachable: kind unheard-of');
    expect(() => assertNever('unheard-of' as never)).toThrow('unreachable: unheard-of');
    expect(() => assertNever(undefined as never)).toThrow('unreachable: undefined');
  });

  it('does not print what the variant carries', () => {
    const secret = { key: Uint8Array.of(201, 202, 203) };
    for (const value of [secret, { kind: 'session', ...secret }]) {
      expect(() => assertNever(value as never)).toThrow(/^unreachable: (?!.*20[123])/);
    }
  });
});
