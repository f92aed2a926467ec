// The committed inputs of a target: corpus/<name>.txt, one input on each line, either hexadecimal or a JSON string; `#` begins a
// comment. They are fed as they are at the start of each run, and mutated afterwards. An input that once failed is added here.
import { existsSync, readFileSync } from 'node:fs';
import { inRepository } from '../lab/repository.js';

export function readCorpus(name: string): Uint8Array[] {
  const path = inRepository(`test/fuzz/corpus/${name}.txt`);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => readInput(line, path));
}

function readInput(line: string, path: string): Uint8Array {
  if (line.startsWith('"')) return new TextEncoder().encode(JSON.parse(line) as string);
  const digits = line.replaceAll(' ', '');
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error(`${path}: neither hexadecimal nor a JSON string: ${line}`);
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}
