// `npm run soak [-- --minutes N] [--dataplane linux|portable]`: two shadownet-wg with traffic between them for as long as one likes,
// ten minutes by default; it fails if their memory grows or a byte is wrong. Needs root, and what `npm run build` makes.
import { parseArgs } from 'node:util';
import { isInstalled, whyNoLab } from '../lab/requirements.mjs';
import { loadTypeScript } from '../load-typescript.mjs';

async function main() {
  const { values } = parseArgs({ options: { minutes: { type: 'string' }, dataplane: { type: 'string' } } });
  const minutes = Number(values.minutes ?? '10');
  if (!(minutes > 0)) return fail(`"${values.minutes}" is not a number of minutes`);
  const reason = whyNoLab() ?? (isInstalled('wg') ? undefined : 'not installed: wg');
  if (reason !== undefined) return fail(reason);
  const { soak } = await loadTypeScript('soak');
  process.exit(await soak(minutes, values.dataplane));
}

function fail(message) {
  process.stderr.write(`The soak cannot run: ${message}\n`);
  process.exitCode = 1;
}

await main();
