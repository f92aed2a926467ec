// What a router answers, or whoever speaks under its address: PCP and NAT-PMP, at the keeper of a port mapping.
import {
  decodeNatPmpResponse,
  decodePcpResponse,
  PCP_NONCE_BYTES,
  PortMapper,
  type PortMapperOutput,
} from '@shadownet/paths';
import { addDuration, concatBytes, instant, milliseconds, parseEndpoint, parseIpAddress } from '@shadownet/primitives';
import type { FuzzTarget } from '../fuzz-target.js';

const GATEWAY = parseEndpoint('192.168.1.1:5351')!;
const CLIENT = parseIpAddress('192.168.1.2')!;
const INTERNAL_PORT = 43574;

export const routerAnswer: FuzzTarget = {
  name: 'router-answer',
  inputs: 40_000,
  maxLength: 200,
  start(random) {
    const nonce = random.bytes(PCP_NONCE_BYTES);
    const port = Uint8Array.of(INTERNAL_PORT >> 8, INTERNAL_PORT & 0xff);
    const lifetimeAndEpoch = Uint8Array.of(0, 0, 14, 16, 0, 0, 1, 0);
    const address = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 21);
    const examples = [
      concatBytes(
        Uint8Array.of(2, 0x81, 0, 0),
        lifetimeAndEpoch,
        new Uint8Array(12),
        nonce,
        Uint8Array.of(17, 0, 0, 0),
        port,
        port,
        address,
      ),
      concatBytes(Uint8Array.of(2, 0x80, 0, 0), lifetimeAndEpoch, new Uint8Array(12)),
      Uint8Array.of(0, 0x80, 0, 0, 0, 0, 1, 0, 203, 0, 113, 21),
      concatBytes(Uint8Array.of(0, 0x81, 0, 0, 0, 0, 1, 0), port, port, Uint8Array.of(0, 0, 14, 16)),
      Uint8Array.of(0, 0x81, 0, 1, 0, 0, 1, 0),
    ];
    const mapper = new PortMapper({ gateway: GATEWAY.address, client: CLIENT, internalPort: INTERNAL_PORT, nonce });
    let now = instant(0);
    let sentAtOnce = 0;
    const out: PortMapperOutput = {
      datagram: (_bytes, to) => {
        if (to.address !== GATEWAY.address) throw new Error('sent to somebody else');
        sentAtOnce += 1;
      },
    };
    mapper.start(now, out);
    return {
      examples: () => examples,
      feed(input) {
        decodePcpResponse(input);
        decodeNatPmpResponse(input);
        sentAtOnce = 0;
        mapper.handleDatagram(input, GATEWAY, now, out);
        if (sentAtOnce > 2) throw new Error(`one answer set off ${String(sentAtOnce)} requests`);
        while (mapper.pollEvent()) continue;
        now = addDuration(now, milliseconds(random.integer(0, 500)));
        mapper.handleTimeout(now, out);
        const wakeup = mapper.pollTimeout();
        if (!wakeup) throw new Error('it never wakes again');
        const { mapping } = mapper;
        if (mapping && mapping.external.port === 0) throw new Error('mapped to port 0');
      },
    };
  },
};
