import { expect, it } from 'vitest';
import { shortKey } from './short-key';

it('keeps the start of the key, by which people recognise it', () => {
  expect(shortKey('xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=')).toBe('xTIBA5rb…');
});
