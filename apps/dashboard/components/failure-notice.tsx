// In place of everything while no poll has succeeded.

import type { ControlPlaneError } from '../src/control-plane';

export function FailureNotice({ error }: { error: ControlPlaneError }) {
  return (
    <section role="alert" className="flex gap-3.5 rounded-lg border border-line bg-panel p-4 medium:px-5">
      <span aria-hidden="true" className="w-1 shrink-0 rounded-full bg-danger" />
      <div className="min-w-0">
        <h2 className="text-lg leading-7 font-semibold tracking-tight">{error.title}</h2>
        <p className="text-cell break-words text-muted">{error.detail}</p>
      </div>
    </section>
  );
}
