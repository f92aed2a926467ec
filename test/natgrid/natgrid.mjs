// `npm run natgrid`: looks whether the grid can be laid out at all, then runs test/natgrid/main.ts with the command line. Needs
// root, and what `npm run build` makes.
import { isInstalled, whyNoIpv6, whyNoLab } from '../lab/requirements.mjs';
import { loadTypeScript } from '../load-typescript.mjs';

async function main(argv) {
  const reason = argv.includes('--help') ? undefined : (whyNoLab() ?? whyNoIpv6() ?? whyNoMiniupnpd());
  if (reason !== undefined) return fail(reason);
  const { runNatGrid } = await loadTypeScript('natgrid');
  process.exit(await runNatGrid(argv));
}

function whyNoMiniupnpd() {
  return isInstalled('miniupnpd') ? undefined : 'not installed: miniupnpd (on Debian: miniupnpd-iptables)';
}

function fail(message) {
  process.stderr.write(`The grid cannot run: ${message}\n`);
  process.exitCode = 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  fail(error.stack ?? error.message);
}
