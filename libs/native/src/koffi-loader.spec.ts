import { createRequire } from 'node:module';

import { describe, expect, it } from 'vitest';

import './index.js';
import { loadKoffi, type NativeHost } from './koffi-loader.js';

const LINUX: NativeHost = { platform: 'linux', arch: 'x64', require: () => ({}) };

describe('loadKoffi', () => {
  it('is not reached by importing the lib alone', () => {
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    expect(loaded.filter((path) => path.includes('koffi'))).toEqual([]);
  });

  it('refuses other platforms than Linux, and says which one this is', () => {
    expect(() => loadKoffi({ ...LINUX, platform: 'darwin' })).toThrow(
      expect.objectContaining({ code: 'native-unavailable', message: expect.stringContaining('darwin') }),
    );
  });

  it('refuses an architecture whose constants differ', () => {
    expect(() => loadKoffi({ ...LINUX, arch: 'ppc64' })).toThrow(
      expect.objectContaining({ code: 'native-unavailable', message: expect.stringContaining('ppc64') }),
    );
  });

  it('says what to do when koffi has no binary here', () => {
    const cause = new Error('Cannot find the native Koffi module');
    const broken: NativeHost = {
      ...LINUX,
      require: () => {
        throw cause;
      },
    };
    expect(() => loadKoffi(broken)).toThrow(
      expect.objectContaining({ code: 'native-unavailable', message: expect.stringContaining('npm install'), cause }),
    );
  });
});
