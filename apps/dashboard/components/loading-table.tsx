// The shape of the page before the first answer, in the places that the answer will fill.

const ROWS = ['w-28', 'w-40', 'w-32'];

export function LoadingTable() {
  return (
    <div role="status" className="flex flex-col gap-5">
      <span className="sr-only">Loading the network</span>
      <div className="h-[8.875rem] rounded-lg border border-line bg-panel medium:h-[4.875rem]" />
      <div className="overflow-hidden rounded-lg border border-line bg-panel">
        <div className="h-8" />
        {ROWS.map((width) => (
          <div key={width} className="flex h-13 items-center border-t border-line px-11">
            <div className={`h-3 rounded bg-line ${width}`} />
          </div>
        ))}
      </div>
    </div>
  );
}
