// Who takes part: a WireGuard program that `wg` configures, or the bare wire as the limit. Contenders are data; all tunnels are
// started, configured and measured by the same code.

interface Described {
  readonly id: string;
  readonly title: string;
  /** What exactly was measured. */
  readonly version: string;
}

export interface TunnelContender extends Described {
  readonly kind: 'tunnel';
  /** Makes the interface and stays in the foreground. */
  readonly command: (interfaceName: string) => readonly string[];
}

export interface WireContender extends Described {
  readonly kind: 'wire';
}

export type Contender = TunnelContender | WireContender;

export interface Unavailable {
  readonly id: string;
  readonly title: string;
  readonly reason: string;
}

export type Obtained =
  | { readonly ok: true; readonly version: string; readonly command?: TunnelContender['command'] }
  | { readonly ok: false; readonly reason: string };

/** A contender that may have to be built first, or cannot be had here. */
export interface ContenderSource {
  readonly id: string;
  readonly title: string;
  readonly obtain: () => Promise<Obtained>;
}

/** Finds or builds one after another; what cannot be had says why. */
export async function obtainContenders(
  sources: readonly ContenderSource[],
): Promise<{ readonly contenders: readonly Contender[]; readonly unavailable: readonly Unavailable[] }> {
  const contenders: Contender[] = [];
  const unavailable: Unavailable[] = [];
  for (const { id, title, obtain } of sources) {
    const obtained = await obtain();
    if (!obtained.ok) unavailable.push({ id, title, reason: obtained.reason });
    else if (obtained.command === undefined) contenders.push({ kind: 'wire', id, title, version: obtained.version });
    else contenders.push({ kind: 'tunnel', id, title, version: obtained.version, command: obtained.command });
  }
  return { contenders, unavailable };
}
