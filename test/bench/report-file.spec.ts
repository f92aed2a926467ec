import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check } from 'prettier';
import { describe, expect, it } from 'vitest';
import { replaceSection, writeSection } from './report-file.js';

const DOCUMENT =
  '# Title\n\n<!-- a:begin -->\n\nold a\n\n<!-- a:end -->\n\nby hand\n\n<!-- b:begin -->\n\nold b\n\n<!-- b:end -->\n';

describe('replaceSection', () => {
  it('replaces one section and leaves all else', () => {
    expect(replaceSection(DOCUMENT, 'a', 'new a\n')).toBe(DOCUMENT.replace('old a', 'new a'));
    expect(replaceSection(DOCUMENT, 'b', 'new b\n')).toBe(DOCUMENT.replace('old b', 'new b'));
  });

  it('appends a section that is new', () => {
    expect(replaceSection('# Title\n', 'c', 'c')).toBe('# Title\n\n<!-- c:begin -->\n\nc\n\n<!-- c:end -->\n');
  });

  it('touches nothing if a marker is missing', () => {
    expect(() => replaceSection(DOCUMENT.replace('<!-- a:end -->', ''), 'a', 'new')).toThrow('marker');
    expect(() => replaceSection(DOCUMENT.replace('<!-- a:begin -->', ''), 'a', 'new')).toThrow('marker');
  });
});

describe('writeSection', () => {
  it('makes a file that prettier leaves as it is, however often', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'shadownet-report-'));
    const path = join(folder, 'docs', 'benchmarks.md');
    try {
      await writeSection(path, 'data-plane', '## Data plane\n\n| a | b |\n| --- | --- |\n| *long text* | 1 |\n');
      const first = readFileSync(path, 'utf8');
      expect(await check(first, { parser: 'markdown' })).toBe(true);
      await writeSection(path, 'data-plane', '## Data plane\n\n| a | b |\n| --- | --- |\n| *long text* | 1 |\n');
      expect(readFileSync(path, 'utf8')).toBe(first);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
