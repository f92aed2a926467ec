import { type IpAddress, ipAddressFromBytes, parseIpAddress } from '@shadownet/primitives';
import { beforeEach, describe, expect, it } from 'vitest';
import { HandshakeCells } from './handshake-cells.js';

const ip = (text: string): IpAddress => parseIpAddress(text)!;

describe('the cells that the main thread and receive workers share about handshakes', () => {
  let main: HandshakeCells;
  let worker: HandshakeCells;
  beforeEach(() => {
    main = new HandshakeCells({ handshakesPerSecond: 1, seed: 0x1234_5678 });
    worker = new HandshakeCells(main.buffer);
  });

  it('tell where peers are, for as long as one is there', () => {
    const place = ip('192.0.2.1');
    expect(worker.mayHavePeerAt(place)).toBe(false);
    main.addPeerAt(place, 1);
    main.addPeerAt(place, 1);
    main.addPeerAt(place, -1);
    expect(worker.mayHavePeerAt(place)).toBe(true);
    main.addPeerAt(place, -1);
    expect(worker.mayHavePeerAt(place)).toBe(false);
  });

  it('take an IPv6 /64 for one place', () => {
    main.addPeerAt(ip('2001:db8::1'), 1);
    expect(worker.mayHavePeerAt(ip('2001:db8::ffff:2'))).toBe(true);
    expect(worker.mayHavePeerAt(ip('2001:db8:0:1::1'))).toBe(false);
  });

  it('take few strangers for peers, even beside four thousand of them', () => {
    for (let i = 0; i < 4096; i++) main.addPeerAt(address(10, i), 1);
    let mistaken = 0;
    for (let i = 0; i < 10_000; i++) if (worker.mayHavePeerAt(address(198, i))) mistaken++;
    expect(mistaken / 10_000).toBeLessThan(0.1);
  });

  it('tell which initiations wait for an answer', () => {
    const index = 0xfedc_ba98;
    main.addInitiation(index, 1);
    expect(worker.mayHaveInitiation(index)).toBe(true);
    expect(worker.mayHaveInitiation(index + 1)).toBe(false);
    main.addInitiation(index, -1);
    expect(worker.mayHaveInitiation(index)).toBe(false);
  });
});

function address(first: number, number: number): IpAddress {
  return ipAddressFromBytes(Uint8Array.of(first, 7, number >> 8, number & 0xff));
}
