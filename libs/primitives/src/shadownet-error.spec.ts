import { describe, expect, it } from 'vitest';
import { ShadowNetError } from './shadownet-error.js';

class TestError extends ShadowNetError<'some-code'> {}

describe('an error of a lib', () => {
  it('carries its code, its class name and its cause', () => {
    const cause = new Error('below');
    const error = new TestError('some-code', 'what happened', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(ShadowNetError);
    expect(error).toMatchObject({ code: 'some-code', name: 'TestError', message: 'what happened', cause });
  });
});
