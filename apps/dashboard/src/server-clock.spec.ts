import { describe, expect, it } from 'vitest';
import { ServerClock } from './server-clock';

const NOON = Date.UTC(2026, 0, 15, 12);

function clockAt() {
  const browser = { monotonic: 50_000 };
  return { browser, clock: new ServerClock(() => browser.monotonic) };
}

const instant = (ms: number) => new Date(ms).toISOString();

describe('ServerClock', () => {
  it('does not know the time before the server has said it', () => {
    const { clock } = clockAt();
    clock.tick();
    expect(clock.now).toBeUndefined();
  });

  it('runs on between answers', () => {
    const { browser, clock } = clockAt();
    clock.synchronise(instant(NOON));
    browser.monotonic += 7_000;
    clock.tick();
    expect(clock.now).toBe(NOON + 7_000);
  });

  it('stands still between ticks, so that one drawing has one time', () => {
    const { browser, clock } = clockAt();
    clock.synchronise(instant(NOON));
    browser.monotonic += 300;
    expect(clock.now).toBe(NOON);
  });

  it('does not go back because an answer was slow', () => {
    const { browser, clock } = clockAt();
    clock.synchronise(instant(NOON));
    browser.monotonic += 2_000;
    clock.synchronise(instant(NOON + 1_200));
    expect(clock.now).toBe(NOON + 2_000);
  });

  it('follows a server whose clock was set back', () => {
    const { browser, clock } = clockAt();
    clock.synchronise(instant(NOON));
    browser.monotonic += 2_000;
    clock.synchronise(instant(NOON - 60_000));
    expect(clock.now).toBe(NOON - 60_000);
  });

  it('tells its listeners of each tick until they leave', () => {
    const { clock } = clockAt();
    let ticks = 0;
    const leave = clock.subscribe(() => {
      ticks += 1;
    });
    clock.synchronise(instant(NOON));
    clock.tick();
    leave();
    clock.tick();
    expect(ticks).toBe(2);
  });
});
