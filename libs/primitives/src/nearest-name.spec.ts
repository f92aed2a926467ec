import { describe, expect, it } from 'vitest';
import { nearestName } from './nearest-name.js';

const KNOWN = ['control', 'interface', 'state_dir', 'run_dir', 'port', 'stun'];

describe('the nearest name', () => {
  it.each([
    ['contol', 'control'],
    ['cnotrol', 'control'],
    ['state-dir', 'state_dir'],
    ['statedir', 'state_dir'],
    ['prot', 'port'],
    ['sun', 'stun'],
    ['interfaces', 'interface'],
    ['control', 'control'],
  ])('for %s is %s', (typed, name) => {
    expect(nearestName(typed, KNOWN)).toBe(name);
  });

  it.each(['relay', '', 'x', 'constable'])('for %j is none', (typed) => {
    expect(nearestName(typed, KNOWN)).toBeUndefined();
  });
});
