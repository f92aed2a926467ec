// The head of a column in a table whose rows are grids.

import type { ReactNode } from 'react';

export function ColumnTitle({ className = '', children }: { className?: string; children: ReactNode }) {
  return (
    <th role="columnheader" scope="col" className={`text-left ${className}`}>
      {children}
    </th>
  );
}
