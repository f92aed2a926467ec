// The head of a column in a table whose rows are grids.

export function ColumnTitle({ className = '', children }: { className?: string; children: string }) {
  return (
    <th role="columnheader" scope="col" className={`text-left ${className}`}>
      {children}
    </th>
  );
}
