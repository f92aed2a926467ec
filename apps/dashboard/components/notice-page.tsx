// A page that says one thing.

import type { ReactNode } from 'react';
import { BrandMark } from './brand-mark';

export function NoticePage({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="mx-auto flex min-h-dvh max-w-xl flex-col justify-center gap-4 px-6">
      <BrandMark />
      <h1 className="text-xl font-semibold">{title}</h1>
      <div className="text-cell text-muted">{children}</div>
    </main>
  );
}
