// A file of several reports, each between its own markers, so that one benchmark can be repeated without the others.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { format, resolveConfig } from 'prettier';

const HEADING = `# Benchmarks

Written by the benchmarks themselves: what stands between two markers is replaced when that benchmark runs again.
`;

/** Puts `section` into the file, in prettier's format, and leaves the rest as it is. A file that is not there begins with `heading`. */
export async function writeSection(path: string, name: string, section: string, heading = HEADING): Promise<void> {
  const before = existsSync(path) ? readFileSync(path, 'utf8') : heading;
  const config = await resolveConfig(path);
  const after = await format(replaceSection(before, name, section), { ...config, parser: 'markdown' });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, after);
}

/** Replaces what lies between the markers of `name`; a section that is not there yet comes last. */
export function replaceSection(document: string, name: string, section: string): string {
  const begin = `<!-- ${name}:begin -->`;
  const end = `<!-- ${name}:end -->`;
  const marked = `${begin}\n\n${section.trim()}\n\n${end}`;
  const beginAt = document.indexOf(begin);
  const endAt = document.indexOf(end, beginAt);
  if (beginAt === -1 && !document.includes(end)) return `${document.trimEnd()}\n\n${marked}\n`;
  if (beginAt === -1 || endAt === -1) throw new Error(`one marker of the section "${name}" is missing`);
  return document.slice(0, beginAt) + marked + document.slice(endAt + end.length);
}
