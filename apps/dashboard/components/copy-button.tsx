'use client';
// Copies a text that the page shows only in part, or that people paste elsewhere.

import { useEffect, useState } from 'react';
import { useAnnounce } from './announcer';

type Outcome = 'none' | 'copied' | 'refused';

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [outcome, setOutcome] = useState<Outcome>('none');

  const announce = useAnnounce();

  useEffect(() => {
    if (outcome === 'none') return;
    announce(outcome === 'copied' ? `Copied ${label}` : 'The browser did not allow copying');
    const timer = setTimeout(() => setOutcome('none'), 1_500);
    return () => {
      clearTimeout(timer);
      announce('');
    };
  }, [outcome, label, announce]);

  return (
    <button
      type="button"
      aria-label={`Copy ${label}`}
      title={`Copy ${label}`}
      onClick={async () => setOutcome((await copyText(text)) ? 'copied' : 'refused')}
      className="-my-0.5 inline-flex size-6 shrink-0 items-center justify-center rounded text-muted hover:bg-line hover:text-ink"
    >
      <svg viewBox="0 0 16 16" className="size-3.5" fill="none" stroke="currentColor" aria-hidden="true">
        {outcome === 'copied' && <path d="m3 8.5 3.5 3.5L13 4.5" className="stroke-good" strokeWidth="2" />}
        {outcome === 'refused' && <path d="m4 4 8 8m0-8-8 8" className="stroke-danger" strokeWidth="2" />}
        {outcome === 'none' && (
          <path
            d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2m1-5h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-6a1 1 0 0 1-1-1v-6a1 1 0 0 1 1-1Z"
            strokeWidth="1.25"
          />
        )}
      </svg>
    </button>
  );
}

/**
 * The clipboard API exists only in secure contexts. A control server on plain HTTP in one's own network is none, so a
 * selection and the old copy command do it there. Returns whether the text was copied.
 */
async function copyText(text: string): Promise<boolean> {
  try {
    if (window.isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
    return copyBySelection(text);
  } catch {
    return false;
  }
}

function copyBySelection(text: string): boolean {
  const focused = document.activeElement;
  const field = document.createElement('textarea');
  field.value = text;
  field.readOnly = true;
  field.className = 'fixed opacity-0';
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
