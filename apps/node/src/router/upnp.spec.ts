// UPnP where it can be lied to: what is taken of an answer, and that a router which answers nonsense does no harm. The real
// miniupnpd is in test/e2e/port-mapping.spec.ts.

import { createServer, type Server } from 'node:http';
import { encodeUtf8, formatIpAddress, parseIpAddress } from '@shadownet/primitives';
import { afterEach, describe, expect, it } from 'vitest';
import { CONFLICT, IgdClient, serviceIn } from './igd-client.js';
import { locationIn } from './upnp-discovery.js';

const GATEWAY = parseIpAddress('127.0.0.1')!;
const gateway = { address: GATEWAY, local: GATEWAY };

const answer = (lines: string[]): Uint8Array => encodeUtf8(`${lines.join('\r\n')}\r\n\r\n`);
const ST = 'ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1';

describe('an SSDP answer', () => {
  it('leads to the description on the gateway', () => {
    const location = locationIn(
      answer(['HTTP/1.1 200 OK', ST, 'LOCATION: http://127.0.0.1:5000/rootDesc.xml']),
      GATEWAY,
    );
    expect(location?.href).toBe('http://127.0.0.1:5000/rootDesc.xml');
  });

  it.each([
    ['another host', ['HTTP/1.1 200 OK', ST, 'LOCATION: http://192.168.1.3:5000/x']],
    ['a name', ['HTTP/1.1 200 OK', ST, 'LOCATION: http://router.example/x']],
    ['another scheme', ['HTTP/1.1 200 OK', ST, 'LOCATION: file:///etc/passwd']],
    ['no URL', ['HTTP/1.1 200 OK', ST, 'LOCATION: nowhere']],
    [
      'another device',
      ['HTTP/1.1 200 OK', 'ST: urn:schemas-upnp-org:device:MediaServer:1', 'LOCATION: http://127.0.0.1/'],
    ],
    ['a request', ['NOTIFY * HTTP/1.1', ST, 'LOCATION: http://127.0.0.1:5000/x']],
  ])('that names %s is ignored', (_what, lines) => {
    expect(locationIn(answer(lines), GATEWAY)).toBeUndefined();
  });

  it('of arbitrary bytes is ignored', () => {
    expect(locationIn(Uint8Array.of(0xff, 0xfe, 0), GATEWAY)).toBeUndefined();
  });
});

const serviceXml = (type: string, control: string): string =>
  `<service><serviceType>urn:schemas-upnp-org:service:${type}</serviceType><controlURL>${control}</controlURL></service>`;

describe('a description', () => {
  const location = new URL('http://127.0.0.1:5000/rootDesc.xml');
  const controlIn = (xml: string) => serviceIn(xml, location, GATEWAY)?.control.href;

  it('has the service of a WAN connection somewhere in it', () => {
    const xml = `<root>${serviceXml('Layer3Forwarding:1', '/ctl/L3F')}\n${serviceXml('WANIPConnection:2', '/ctl/IPConn')}</root>`;
    expect(controlIn(xml)).toBe('http://127.0.0.1:5000/ctl/IPConn');
    expect(serviceIn(xml, location, GATEWAY)?.type).toBe('urn:schemas-upnp-org:service:WANIPConnection:2');
    expect(controlIn(serviceXml('WANPPPConnection:1', '/ppp?a=1&amp;b=2'))).toBe('http://127.0.0.1:5000/ppp?a=1&b=2');
  });

  it('may name its base, on the gateway', () => {
    const service = serviceXml('WANIPConnection:1', 'ctl');
    expect(controlIn(`<URLBase>http://127.0.0.1:49000/</URLBase>${service}`)).toBe('http://127.0.0.1:49000/ctl');
    expect(controlIn(`<URLBase>http://192.168.1.3:49000/</URLBase>${service}`)).toBe('http://127.0.0.1:5000/ctl');
  });

  it.each([
    ['leads elsewhere', serviceXml('WANIPConnection:1', 'http://192.168.1.3/ctl')],
    ['has no such service', serviceXml('WANCommonInterfaceConfig:1', '/ctl')],
    ['hides another type behind it', serviceXml('WANIPConnection:1#AddPortMapping" x="', '/ctl')],
    ['is empty', ''],
  ])('that %s is of no use', (_what, xml) => {
    expect(controlIn(xml)).toBeUndefined();
  });
});

describe('IgdClient', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  /** A router that answers the description, and every action as `act` says. */
  async function open(act: (action: string, body: string) => { status: number; body: string }, description?: string) {
    const server = createServer((request, response) => {
      if (request.method === 'GET') {
        response.end(description ?? serviceXml('WANIPConnection:1', '/ctl'));
        return;
      }
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        const { status, body: answered } = act(String(request.headers.soapaction), body);
        response.writeHead(status).end(answered);
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address!.port : 0;
    return IgdClient.open(gateway, new URL(`http://127.0.0.1:${port}/rootDesc.xml`));
  }

  it('asks with the arguments in the order of the standard', async () => {
    let seen: [string, string] = ['', ''];
    const client = (await open((action, body) => {
      seen = [action, body];
      return { status: 200, body: '<u:AddPortMappingResponse/>' };
    }))!;
    expect(
      await client.addMapping({ externalPort: 50000, internalPort: 43574, lease: 3_600_000 as never }),
    ).toMatchObject({
      ok: true,
    });
    expect(seen[0]).toBe('"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping"');
    expect(seen[1].match(/<New\w+>[^<]*/g)).toEqual([
      ...['<NewRemoteHost>', '<NewExternalPort>50000', '<NewProtocol>UDP', '<NewInternalPort>43574'],
      ...[
        '<NewInternalClient>127.0.0.1',
        '<NewEnabled>1',
        '<NewPortMappingDescription>ShadowNet',
        '<NewLeaseDuration>3600',
      ],
    ]);
    await client.close();
  });

  it('tells the code of a refusal, and whose mapping there is', async () => {
    const client = (await open((action) =>
      action.includes('GetSpecific')
        ? {
            status: 200,
            body: '<NewInternalPort>43574</NewInternalPort><NewInternalClient>192.168.1.3</NewInternalClient>',
          }
        : { status: 500, body: `<s:Fault><errorCode>${CONFLICT}</errorCode></s:Fault>` },
    ))!;
    expect(await client.addMapping({ externalPort: 1, internalPort: 1, lease: 0 as never })).toMatchObject({
      ok: false,
      code: CONFLICT,
    });
    expect(await client.hasMapping({ externalPort: 43574, internalPort: 43574 })).toEqual({ ok: true, value: false });
    await client.close();
  });

  it('takes an answer that is too long, is none, or does not come, for a failure', async () => {
    const long = (await open(() => ({ status: 200, body: 'x'.repeat(1_000_000) })))!;
    expect(await long.externalAddress()).toMatchObject({ ok: false, code: undefined });
    await long.close();
    const vague = (await open(() => ({ status: 200, body: '<NewExternalIPAddress>router</NewExternalIPAddress>' })))!;
    expect(await vague.externalAddress()).toMatchObject({ ok: false });
    for (const server of servers) server.closeAllConnections();
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    expect(await vague.deleteMapping(1)).toMatchObject({ ok: false, code: undefined });
    await vague.close();
    expect(await open(() => ({ status: 200, body: '' }), 'no description')).toBeUndefined();
  });

  it('reads the external address', async () => {
    const body = '<NewExternalIPAddress> 203.0.113.21 </NewExternalIPAddress>';
    const client = (await open(() => ({ status: 200, body })))!;
    const address = await client.externalAddress();
    expect(address.ok && formatIpAddress(address.value)).toBe('203.0.113.21');
    await client.close();
  });
});
