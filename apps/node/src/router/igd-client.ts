// Port mappings by UPnP: the actions of WANIPConnection:1 (which version 2 and WANPPPConnection have, too) as SOAP calls to the
// gateway (UPnP IGD 1.0, WANIPConnection §2.4). Answers are bounded, and nothing leads away from the gateway.

import { type Duration, formatIpAddress, type IpAddress, parseIpAddress } from '@shadownet/primitives';
import { Agent, request } from 'undici';
import type { Gateway } from './default-gateway.js';
import { urlOn } from './upnp-discovery.js';

export type IgdResult<T> =
  | { readonly ok: true; readonly value: T }
  /** `code` is UPnP's, where the router gave one. */
  | { readonly ok: false; readonly code: number | undefined; readonly detail: string };

export interface IgdMapping {
  readonly externalPort: number;
  readonly internalPort: number;
  /** Whole seconds; 0 lasts until it is deleted. */
  readonly lease: Duration;
}

/** WANIPConnection §2.4.16: what the codes mean that we act upon. */
export const NO_SUCH_ENTRY = 714;
export const CONFLICT = 718;
export const ONLY_PERMANENT_LEASES = 725;

const SERVICE_TYPE = /^urn:schemas-upnp-org:service:(?:WANIPConnection|WANPPPConnection):[12]$/;
const DESCRIPTION = 'ShadowNet';
const MAX_ANSWER_BYTES = 256 * 1024;
const TIMEOUT_MS = 3000;

interface Service {
  readonly type: string;
  readonly control: URL;
}

export class IgdClient {
  readonly #gateway: Gateway;
  readonly #agent: Agent;
  readonly #service: Service;

  private constructor(gateway: Gateway, agent: Agent, service: Service) {
    this.#gateway = gateway;
    this.#agent = agent;
    this.#service = service;
  }

  /** Reads the description; `undefined` if it cannot be had, or has no such service on the gateway. */
  static async open(gateway: Gateway, location: URL): Promise<IgdClient | undefined> {
    const agent = new Agent({
      connect: { timeout: TIMEOUT_MS, localAddress: formatIpAddress(gateway.local) },
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      maxResponseSize: MAX_ANSWER_BYTES,
    });
    try {
      const response = await request(location, { dispatcher: agent, signal: AbortSignal.timeout(TIMEOUT_MS) });
      const service =
        response.statusCode === 200 ? serviceIn(await response.body.text(), location, gateway.address) : undefined;
      if (service) return new IgdClient(gateway, agent, service);
    } catch {
      // Not there, too slow, too long: no description.
    }
    await agent.destroy();
    return undefined;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async externalAddress(): Promise<IgdResult<IpAddress>> {
    const answer = await this.#call('GetExternalIPAddress', []);
    if (!answer.ok) return answer;
    const address = parseIpAddress(element(answer.value, 'NewExternalIPAddress') ?? '');
    return address ? { ok: true, value: address } : { ok: false, code: undefined, detail: 'no address in the answer' };
  }

  /** For UDP. The same again renews it. */
  async addMapping({ externalPort, internalPort, lease }: IgdMapping): Promise<IgdResult<void>> {
    const answer = await this.#call('AddPortMapping', [
      ['NewRemoteHost', ''],
      ['NewExternalPort', String(externalPort)],
      ['NewProtocol', 'UDP'],
      ['NewInternalPort', String(internalPort)],
      ['NewInternalClient', formatIpAddress(this.#gateway.local)],
      ['NewEnabled', '1'],
      ['NewPortMappingDescription', DESCRIPTION],
      ['NewLeaseDuration', String(Math.round(lease / 1000))],
    ]);
    return answer.ok ? { ok: true, value: undefined } : answer;
  }

  /** True if the router has a mapping of that outer port to ours. */
  async hasMapping({ externalPort, internalPort }: Omit<IgdMapping, 'lease'>): Promise<IgdResult<boolean>> {
    const answer = await this.#call('GetSpecificPortMappingEntry', outerPort(externalPort));
    if (!answer.ok) return answer.code === NO_SUCH_ENTRY ? { ok: true, value: false } : answer;
    const ours =
      element(answer.value, 'NewInternalPort') === String(internalPort) &&
      element(answer.value, 'NewInternalClient') === formatIpAddress(this.#gateway.local);
    return { ok: true, value: ours };
  }

  async deleteMapping(externalPort: number): Promise<IgdResult<void>> {
    const answer = await this.#call('DeletePortMapping', outerPort(externalPort));
    return answer.ok ? { ok: true, value: undefined } : answer;
  }

  async #call(action: string, values: readonly (readonly [string, string])[]): Promise<IgdResult<string>> {
    const { type, control } = this.#service;
    const body = values.map(([name, value]) => `<${name}>${value}</${name}>`).join('');
    try {
      const response = await request(control, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: { 'content-type': 'text/xml; charset="utf-8"', soapaction: `"${type}#${action}"` },
        body:
          '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
          's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
          `<u:${action} xmlns:u="${type}">${body}</u:${action}></s:Body></s:Envelope>`,
      });
      const text = await response.body.text();
      if (response.statusCode === 200) return { ok: true, value: text };
      const code = Number(element(text, 'errorCode') ?? Number.NaN);
      return { ok: false, code: Number.isInteger(code) ? code : undefined, detail: `status ${response.statusCode}` };
    } catch (error) {
      return { ok: false, code: undefined, detail: error instanceof Error ? error.message : String(error) };
    }
  }
}

function outerPort(externalPort: number): [string, string][] {
  return [
    ['NewRemoteHost', ''],
    ['NewExternalPort', String(externalPort)],
    ['NewProtocol', 'UDP'],
  ];
}

/** The first service of a known type whose control URL is on the gateway. */
export function serviceIn(description: string, location: URL, gateway: IpAddress): Service | undefined {
  const base = urlOn(gateway, element(description, 'URLBase') ?? '', location) ?? location;
  for (const [, service] of description.matchAll(/<service>([^]*?)<\/service>/gi)) {
    const type = element(service ?? '', 'serviceType') ?? '';
    const control = urlOn(gateway, element(service ?? '', 'controlURL') ?? '', base);
    if (SERVICE_TYPE.test(type) && control) return { type, control };
  }
  return undefined;
}

/** The text of the first element of that name, which has no elements in it. */
function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}(?:\\s[^<>]*)?>\\s*([^<]*?)\\s*</${name}>`, 'i').exec(xml)?.[1];
  return text?.replaceAll('&amp;', '&');
}
