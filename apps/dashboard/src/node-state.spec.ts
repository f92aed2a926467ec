import { expect, it } from 'vitest';
import { nodeState } from './node-state';

const NOW = Date.UTC(2026, 0, 15, 12);
const secondsAgo = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();

it('calls a node active while its newest handshake is younger than a session lives', () => {
  expect(nodeState({ online: true, lastHandshake: secondsAgo(179) }, NOW)).toBe('active');
  expect(nodeState({ online: true, lastHandshake: secondsAgo(180) }, NOW)).toBe('idle');
});

it('calls a node idle that never shook hands', () => {
  expect(nodeState({ online: true, lastHandshake: null }, NOW)).toBe('idle');
});

it('calls a node offline that is, however young its handshake', () => {
  expect(nodeState({ online: false, lastHandshake: secondsAgo(1) }, NOW)).toBe('offline');
});
