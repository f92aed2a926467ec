// 64-bit integers as numbers: the SQLite driver returns numbers, the PostgreSQL driver text.

import type { ColumnOptions, ValueTransformer } from 'typeorm';

const asNumber: ValueTransformer = {
  to: (value: number | null): number | null => value,
  from: (value: number | string | null): number | null => (value === null ? null : Number(value)),
};

/** A column of integers up to 2^53, milliseconds and bytes among them. */
export function integerColumn(name: string, options: ColumnOptions = {}): ColumnOptions {
  return { ...options, name, type: 'bigint', transformer: asNumber };
}
