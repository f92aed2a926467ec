import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type PinnedBlock, processArena } from './arena.js';
import { type DescriptorWatch, type Readiness, watchReadable } from './descriptor-watch.js';
import { type Descriptor, libc } from './libc.js';

const ON_LINUX = process.platform === 'linux';

describe.skipIf(!ON_LINUX).each(['event-loop', 'timer'] as const)('watchReadable by %s (Linux only)', (mechanism) => {
  let descriptor: Descriptor;
  let block: PinnedBlock;
  let watch: DescriptorWatch | undefined;

  beforeEach(() => {
    descriptor = libc().eventfd();
    block = processArena().allocate(8);
  });

  afterEach(() => {
    watch?.close();
    libc().close(descriptor);
    processArena().release(block);
  });

  it('tells when there is something to read, and again while some is left', async () => {
    const seen: Readiness[] = [];
    const twice = new Promise<void>((resolve) => {
      watch = watchReadable(
        descriptor,
        (readiness) => {
          seen.push(readiness);
          if (seen.length < 2) return;
          libc().read(descriptor, block);
          resolve();
        },
        mechanism,
      );
    });
    signal();
    await twice;
    await aFewTurns();
    expect(seen).toEqual(['readable', 'readable']);
  });

  it('tells nothing after it was closed, even what was already under way', async () => {
    let calls = 0;
    const first = new Promise<void>((resolve) => {
      watch = watchReadable(
        descriptor,
        () => {
          calls++;
          watch?.close();
          resolve();
        },
        mechanism,
      );
    });
    signal();
    await first;
    await aFewTurns();
    expect(calls).toBe(1);
  });

  it('goes on after a garbage collection though nobody else refers to it', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    let reference: WeakRef<DescriptorWatch> | undefined;
    const readable = new Promise<void>((resolve) => {
      reference = new WeakRef(watchReadable(descriptor, () => resolve(), mechanism));
    });
    for (let round = 0; round < 3; round++) {
      await aFewTurns();
      collect();
    }
    signal();
    await readable;
    reference?.deref()?.close();
  });

  it('runs the promises of its handler and lets what it throws reach the process', async () => {
    const thrown = nextUncaughtException();
    let continued = false;
    watch = watchReadable(
      descriptor,
      () => {
        libc().read(descriptor, block);
        void Promise.resolve().then(() => (continued = true));
        throw new Error('from the handler');
      },
      mechanism,
    );
    signal();
    expect(await thrown).toEqual(new Error('from the handler'));
    expect(continued).toBe(true);
  });

  function signal(): void {
    block.bytes[0] = 1;
    libc().write(descriptor, block, 8);
  }
});

/** Some turns of the event loop, with time for the timer mechanism to fire. */
async function aFewTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 3));
}

/** Takes the place of the test runner's own listeners for the next uncaught exception. */
function nextUncaughtException(): Promise<unknown> {
  return new Promise((resolve) => {
    process.setUncaughtExceptionCaptureCallback((error) => {
      process.setUncaughtExceptionCaptureCallback(null);
      resolve(error);
    });
  });
}
