import { describe, expect, it } from 'vitest';
import { PASSWORD_COST, PasswordHasher } from './password-hasher.js';

describe('a stored password', () => {
  const hasher = new PasswordHasher(PASSWORD_COST);

  it('costs 32 MiB and three passes to check, says so itself, and is salted', async () => {
    const [one, other] = [await hasher.hash('correct horse'), await hasher.hash('correct horse')];
    expect(one).toMatch(/^scrypt\$32768\$8\$3\$[\w+/]{22}==\$[\w+/]{43}=$/);
    expect(one).not.toBe(other);
    expect(await hasher.verify('correct horse', one)).toBe(true);
    expect(await hasher.verify('correct horsE', one)).toBe(false);
    expect(await hasher.verify('', undefined)).toBe(false);
  });

  it('is checked with the cost that it was made with', async () => {
    const cheap = await new PasswordHasher({ N: 1024, r: 8, p: 1 }).hash('correct horse');
    expect(await hasher.verify('correct horse', cheap)).toBe(true);
  });

  it('is the same however a keyboard composes its letters', async () => {
    const stored = await new PasswordHasher({ N: 1024, r: 8, p: 1 }).hash('pa\u0301ssword');
    expect(await hasher.verify('p\u00e1ssword', stored)).toBe(true);
  });

  it('is refused to be checked when dozens wait already', async () => {
    const cheap = new PasswordHasher({ N: 1024, r: 8, p: 1 });
    const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => cheap.hash('x')));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(8);
    expect(refused[0]!.reason).toMatchObject({ code: 'unavailable' });
  });
});
