// `npm test`: the set-up, then every check, each reported as it ends, nothing stopped early. The last line counts:
// "N passed, N failed" (and ", N skipped"). A check that is not vitest's counts as one test.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whyNoLab } from './lab/requirements.mjs';
import { NX_ENVIRONMENT, ROOT, setUp, SetUpError } from './setup.mjs';
import { runQuietly } from './setup/step.mjs';

const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

function count({ passed = 0, failed = 0, skipped = 0 }, what) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  if (failed > 0) failures.push(what);
}

async function main() {
  try {
    await setUp('tests');
    count({ passed: 1 }, 'set-up');
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    process.stdout.write(`${error.message}\n`);
    count({ failed: 1 }, 'set-up');
    if (!existsSync(join(ROOT, 'node_modules', 'vitest'))) return report();
  }
  await check('format', 'format:check');
  await check('lint', 'lint');
  await check('types', 'typecheck');
  await vitest('unit');
  const reason = whyNoLab();
  if (reason !== undefined) process.stdout.write(`\nThe tests in network namespaces are skipped: ${reason}\n`);
  await vitest('e2e');
  if (failures.length > 0) process.stdout.write(`\nFailed: ${failures.join(', ')}\n`);
  report();
}

/** Runs an npm script, and shows its output if it fails. */
async function check(title, script) {
  process.stdout.write(`\n${title} … `);
  const start = Date.now();
  const { ok, output } = await runQuietly(['npm', 'run', '--silent', script], { cwd: ROOT, env: NX_ENVIRONMENT });
  process.stdout.write(`${ok ? 'ok' : 'failed'}, ${((Date.now() - start) / 1000).toFixed(1)} s\n`);
  if (!ok) process.stdout.write(`${output.trimEnd()}\n`);
  count(ok ? { passed: 1 } : { failed: 1 }, title);
}

/** Runs one vitest project, which shows its progress itself, and counts from its JSON report. */
async function vitest(project) {
  process.stdout.write(`\n${project} tests\n`);
  const folder = mkdtempSync(join(tmpdir(), 'shadownet-tests-'));
  const report = join(folder, 'report.json');
  const program = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const secondTries = join(ROOT, 'test', 'second-try-reporter.mjs');
  const reporters = ['default', 'json', secondTries].map((reporter) => `--reporter=${reporter}`);
  const output = `--outputFile.json=${report}`;
  try {
    const code = await runVisibly([process.execPath, program, 'run', '--project', project, ...reporters, output]);
    count(readReport(report, code), `${project} tests`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runVisibly(argv) {
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', (error) => {
      process.stdout.write(`${error.message}\n`);
      resolve(127);
    });
    child.on('close', (code) => resolve(code ?? 128));
  });
}

/** A spec file that cannot be loaded, or a failure outside any test, is one failed test. */
function readReport(path, exitCode) {
  let result;
  try {
    result = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { failed: 1 };
  }
  const unloadable = result.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = result.numFailedTests + unloadable;
  return {
    passed: result.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}

function report() {
  const { passed, failed, skipped } = total;
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
  process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
}

await main();
