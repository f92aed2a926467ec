import { describe, expect, it } from 'vitest';
import { fetchLink } from './link-client';

const never = new AbortController().signal;

describe('fetchLink', () => {
  it('asks for both ends by their ids, as parts of the path that nothing gets out of', async () => {
    const asked: string[] = [];
    const send: typeof fetch = async (url) => {
      asked.push(String(url));
      return new Response('{"ends":[{},{}]}');
    };
    expect(await fetchLink('', { from: 'a', to: '../b?c' }, never, send)).toEqual({ ends: [{}, {}] });
    expect(asked).toEqual(['/api/v1/links/a/..%2Fb%3Fc']);
  });

  it('takes nothing else for an answer', async () => {
    const send: typeof fetch = async () => new Response('{"ends":[]}');
    await expect(fetchLink('', { from: 'a', to: 'b' }, never, send)).rejects.toMatchObject({ code: 'unexpected' });
  });
});
