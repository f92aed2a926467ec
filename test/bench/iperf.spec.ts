import { describe, expect, it } from 'vitest';
import { parseTransfer } from './iperf.js';

describe('parseTransfer', () => {
  it('believes the receiver', () => {
    const end = { sum_sent: { bytes: 900, seconds: 1 }, sum_received: { bytes: 800, seconds: 1.1 } };
    expect(parseTransfer(JSON.stringify({ end }))).toEqual({ bytes: 800, seconds: 1.1, offeredBytes: 900 });
  });

  it('adds both directions', () => {
    const end = {
      sum_sent: { bytes: 900, seconds: 1 },
      sum_received: { bytes: 800, seconds: 1 },
      sum_received_bidir_reverse: { bytes: 70, seconds: 1 },
    };
    expect(parseTransfer(JSON.stringify({ end })).bytes).toBe(870);
  });

  it('says why there is no result', () => {
    expect(() => parseTransfer('{"error":"error - unable to connect to server: timed out"}')).toThrow(
      'iperf3: unable to connect to server: timed out',
    );
    expect(() => parseTransfer('{"end":{}}')).toThrow('the receiver reported nothing');
  });
});
