// `shadownet-node doctor`: what a node needs here, whether it has it, and how to mend what it lacks. Ends with 1 if there is a problem.

import colors from 'picocolors';
import type { DoctorConfig } from '../config.js';
import { examineHost } from '../doctor/doctor.js';
import type { Finding } from '../doctor/finding.js';
import { ExitCode } from '../exit-code.js';
import { VERSION } from '../version.js';
import { printLine } from './terminal.js';

const MARKS: Readonly<Record<Finding['verdict'], string>> = {
  ok: colors.green('ok     '),
  warning: colors.yellow('warning'),
  problem: colors.red('problem'),
  'not-tested': colors.dim('-      '),
};

export async function doctor(config: DoctorConfig, { json }: { json: boolean }): Promise<void> {
  const findings = await examineHost(config);
  printLine(json ? JSON.stringify({ version: VERSION, findings }, undefined, 2) : formatFindings(findings));
  if (findings.some(({ verdict }) => verdict === 'problem')) process.exitCode = ExitCode.failure;
}

export function formatFindings(findings: readonly Finding[]): string {
  const count = (wanted: Finding['verdict']): number => findings.filter(({ verdict }) => verdict === wanted).length;
  const lines = findings.flatMap((finding) => {
    const line = `${MARKS[finding.verdict]}  ${finding.check.padEnd(17)} ${finding.detail}`;
    return 'fix' in finding ? [line, `${' '.repeat(27)}→ ${finding.fix}`] : [line];
  });
  return [...lines, '', `${count('problem')} problems, ${count('warning')} warnings`].join('\n');
}
