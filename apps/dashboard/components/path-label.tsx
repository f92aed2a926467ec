// How packets travel on a link, as a line and a word, and how long there and back takes.

import type { LinkView } from '../src/mesh-view';
import { formatRtt } from '../src/format-rtt';

const WORDS: Record<LinkView['path'], string> = { direct: 'direct', lan: 'LAN', relay: 'relayed', none: 'no path' };

const COLOURS: Record<LinkView['path'], string> = {
  direct: 'text-accent',
  lan: 'text-good',
  relay: 'text-muted',
  none: 'text-muted',
};

export function PathLabel({ link }: { link: Pick<LinkView, 'path' | 'rttMs'> }) {
  return (
    <>
      <svg viewBox="0 0 14 10" className={`mr-1.5 inline-block h-2.5 w-3.5 ${COLOURS[link.path]}`} aria-hidden="true">
        {link.path === 'direct' && <path d="M0 5h14" stroke="currentColor" strokeWidth="2" />}
        {link.path === 'lan' && <path d="M0 3.5h14M0 6.5h14" stroke="currentColor" strokeWidth="1.5" />}
        {link.path === 'relay' && <path d="M0 8l7-6 7 6" fill="none" stroke="currentColor" strokeWidth="2" />}
        {link.path === 'none' && <path d="M0 5h14" stroke="currentColor" strokeWidth="2" strokeDasharray="2 3" />}
      </svg>
      <span className={COLOURS[link.path]}>{WORDS[link.path]}</span>
      {link.rttMs !== null && <span className="ml-1.5">{formatRtt(link.rttMs)}</span>}
    </>
  );
}
