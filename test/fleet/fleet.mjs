// `npm run fleet`: runs test/fleet/main.ts with the command line.
import { loadTypeScript } from '../load-typescript.mjs';

const { runFleetProgram } = await loadTypeScript('fleet');
process.exitCode = runFleetProgram(process.argv.slice(2));
