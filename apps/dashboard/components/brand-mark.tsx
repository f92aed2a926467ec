// Name and mark: a node, and the one that stands in its shadow.

export function BrandMark() {
  return (
    <span className="inline-flex items-baseline gap-2 text-base font-semibold tracking-tight">
      <svg viewBox="0 0 24 24" className="size-5 translate-y-1 text-accent" aria-hidden="true" focusable="false">
        <path d="M7.5 16.5 16.5 7.5" stroke="currentColor" strokeWidth="2" />
        <circle cx="17" cy="7" r="4.5" fill="currentColor" />
        <circle cx="6.5" cy="17.5" r="3.75" className="fill-canvas" stroke="currentColor" strokeWidth="2" />
      </svg>
      ShadowNet
    </span>
  );
}
