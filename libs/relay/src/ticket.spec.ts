import { Ed25519Signer, Ed25519Verifier, generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import { instant, type PublicKey, publicKeyFromBytes } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { seeded } from './payloads.contract.js';
import { SimulatedRelays } from './simulated-relays.js';
import { issueTicket, TicketAdmission } from './ticket.js';

const random = seeded(40);
const ours = new Ed25519Signer(random(32));
const others = new Ed25519Signer(random(32));
const signerOf = ({ publicKey }: Ed25519Signer) => ({ publicKey, verifier: new Ed25519Verifier(publicKey) });
const HOUR = 3600;

describe('a ticket', () => {
  const node = newKey();
  const admission = new TicketAdmission([signerOf(others), signerOf(ours)], () => 1_000_000);
  const admit = (ticket: Uint8Array, key = node) => admission.admit(key, ticket, instant(5000));

  it('admits its node to the network of its signer, until it ends', () => {
    expect(admit(issueTicket(ours, node, 1_000_000 + HOUR))).toMatchObject({ ok: true, until: 5000 + HOUR * 1000 });
    const networks = [ours, others].map((signer) => admit(issueTicket(signer, node, 1_000_001)));
    expect(networks[0]).not.toEqual(networks[1]);
  });

  it('is good for nobody else', () => {
    const ticket = issueTicket(ours, node, 1_000_000 + HOUR);
    expect(admit(ticket, newKey())).toEqual({ ok: false, reason: 'ticket-invalid' });
  });

  it('counts for nothing once it has ended, with any bit changed, cut short, or signed by a stranger', () => {
    expect(admit(issueTicket(ours, node, 1_000_000))).toEqual({ ok: false, reason: 'ticket-expired' });
    const ticket = issueTicket(ours, node, 1_000_000 + HOUR);
    for (let bit = 0; bit < 8 * ticket.length; bit++) {
      const changed = ticket.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(admit(changed)).toEqual({ ok: false, reason: 'ticket-invalid' });
    }
    expect(admit(ticket.subarray(1))).toEqual({ ok: false, reason: 'ticket-invalid' });
    expect(admit(new Uint8Array(0))).toEqual({ ok: false, reason: 'ticket-missing' });
    const stranger = new Ed25519Signer(random(32));
    expect(admit(issueTicket(stranger, node, 1_000_000 + HOUR))).toEqual({ ok: false, reason: 'ticket-invalid' });
  });

  it('ends the session with it, unless the client has a newer one by then', () => {
    const world = new SimulatedRelays(random);
    const wallSeconds = () => 1_000_000 + world.now / 1000;
    const relay = world.addRelay('home', { admission: new TicketAdmission([signerOf(ours)], wallSeconds) });
    const client = world.addClient();
    const give = (lifetime: number) => {
      const ticket = issueTicket(ours, client.publicKey, Math.floor(wallSeconds() + lifetime));
      client.client.setRelays([{ ...relay.description, ticket }], world.now, client.out);
    };
    give(600);
    world.run(400_000);
    expect(relay.server!.clients).toBe(1);
    give(600);
    world.run(300_000);
    expect(relay.server!.clients).toBe(1);
    expect(client.events.filter(({ kind }) => kind === 'relay-down')).toEqual([]);
    world.run(700_000);
    expect(relay.server!.clients).toBe(0);
    expect(client.client.status()[0]?.lastFailure).toBe('ticket-expired');
  });
});

function newKey(): PublicKey {
  return publicKeyFromBytes(nodeCrypto.privateKey(generatePrivateKey(random)).publicKey)!;
}
