// The demo: lays out two NATs, starts control and two nodes, shows each step as it happens, proves that the hosts reach each
// other, and stays up with the dashboard until Ctrl-C, or with --once ends. Called by test/demo.mjs after the set-up.
import { Lab } from '../lab/lab.js';
import { Screen } from './screen.js';
import { Show } from './show.js';

export interface DemoOptions {
  readonly once: boolean;
  readonly port: number;
}

const LAYOUT = `
                  control 203.0.113.10
                           │
          ┌───────── 203.0.113.0/24 ─────────┐
          │                                  │
  NAT A 203.0.113.21                 NAT B 203.0.113.22
          │                                  │
    192.168.1.0/24                     192.168.1.0/24
          │                                  │
  host-a 192.168.1.2                 host-b 192.168.1.2
`;

/** Returns the exit code. Whatever happens, nothing of the lab is left when it returns. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const screen = new Screen();
  const interruption = watchForInterruption();
  screen.heading('ShadowNet: two hosts behind two NATs');
  screen.text(LAYOUT);
  const lab = await Lab.create({ disposeOnSignals: false });
  const show = new Show(lab, screen, options.port);
  try {
    const shown = show.run();
    // After an interruption what is under way fails, because its processes are ended below; that is no news.
    shown.catch(() => undefined);
    if ((await Promise.race([shown, interruption])) === 'interrupted') return 130;
    if (options.once) return 0;
    screen.heading(`The dashboard: http://localhost:${String(options.port)}   (Ctrl-C ends the demo)`);
    await interruption;
    return 0;
  } catch (error) {
    screen.problem(error instanceof Error ? error.message : String(error));
    show.explainFailure();
    return 1;
  } finally {
    screen.text('\nRemoving namespaces, devices and processes …');
    show.end();
    await lab.dispose();
    screen.text('Nothing is left.');
  }
}

/** Resolves at the first Ctrl-C. npm passes signals on too, so the same Ctrl-C may arrive twice: later ones change nothing. */
function watchForInterruption(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve('interrupted'));
  });
}
