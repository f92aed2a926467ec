// What an examination by `shadownet-node doctor` came to. The names of the checks are stable: programs read them.

export type CheckName =
  | 'node-version'
  | 'tun'
  | 'data-plane'
  | 'state'
  | 'running-node'
  | 'underlay-mtu'
  | 'other-vpn'
  | 'address-conflict'
  | 'firewall'
  | 'dns'
  | 'control'
  | 'server-key'
  | 'clock'
  | 'udp'
  | 'relay';

export type Finding =
  | { readonly check: CheckName; readonly verdict: 'ok' | 'not-tested'; readonly detail: string }
  /** A warning leaves the mesh usable, a problem does not. */
  | {
      readonly check: CheckName;
      readonly verdict: 'warning' | 'problem';
      readonly detail: string;
      /** What to do about it. */
      readonly fix: string;
    };

export function ok(check: CheckName, detail: string): Finding {
  return { check, verdict: 'ok', detail };
}

export function notTested(check: CheckName, detail: string): Finding {
  return { check, verdict: 'not-tested', detail };
}

export function warning(check: CheckName, detail: string, fix: string): Finding {
  return { check, verdict: 'warning', detail, fix };
}

export function problem(check: CheckName, detail: string, fix: string): Finding {
  return { check, verdict: 'problem', detail, fix };
}
