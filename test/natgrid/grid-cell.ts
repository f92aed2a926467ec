// The cells of the grid: every pair of networks once, and two hosts in one LAN; and what must come out, by the committed table.
import { type Expectation, expectedBetween, MEANS } from '@shadownet/testlab';
import { SITE_KINDS, type SiteKind } from './nat-site.js';

export type GridCell =
  { readonly kind: 'pair'; readonly a: SiteKind; readonly b: SiteKind } | { readonly kind: 'same-lan' };

export type PathKind = 'direct' | 'lan' | 'relay';

export const SAME_LAN: GridCell = { kind: 'same-lan' };

export const ALL_CELLS: readonly GridCell[] = [
  ...SITE_KINDS.flatMap((a, index) => SITE_KINDS.slice(index).map((b) => ({ kind: 'pair', a, b }) as const)),
  SAME_LAN,
];

export function cellName(cell: GridCell): string {
  return cell.kind === 'pair' ? `${cell.a}×${cell.b}` : cell.kind;
}

/** Reads a name; of a pair in either order, and with an `x` for those who have no × on their keyboard. */
export function findCell(name: string): GridCell | undefined {
  const wanted = name.replace('x', '×');
  const turned = wanted.split('×').reverse().join('×');
  return ALL_CELLS.find((cell) => [wanted, turned].includes(cellName(cell)));
}

export function expectationOf(cell: GridCell): Expectation {
  return cell.kind === 'pair' ? expectedBetween(cell.a, cell.b) : MEANS.punch;
}

export function expectedPath(cell: GridCell): PathKind {
  if (cell.kind === 'same-lan') return 'lan';
  return expectationOf(cell).means === 'relay' ? 'relay' : 'direct';
}
