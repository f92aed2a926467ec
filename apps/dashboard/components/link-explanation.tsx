'use client';
// Under a link: why its path is what it is, as both ends see it. All text is put in as text, whatever it is.

import { useQuery } from '@tanstack/react-query';
import type { LinkDetails, PathAttempt } from '@shadownet/contracts';
import { formatRtt } from '../src/format-rtt';
import { fetchLink } from '../src/link-client';
import type { ControlPlaneError } from '../src/control-plane';
import { CONTROL_PLANE_URL } from './control-plane-url';
import { TimeAgo } from './time-ago';
import { POLL_INTERVAL_MS } from './use-mesh';

export function LinkExplanation({ from, to }: { from: string; to: string }) {
  const { data, error } = useQuery<LinkDetails, ControlPlaneError>({
    queryKey: ['link', from, to],
    queryFn: ({ signal }) => fetchLink(CONTROL_PLANE_URL, { from, to }, signal),
    refetchInterval: POLL_INTERVAL_MS,
    retry: false,
    networkMode: 'always',
  });
  if (data) {
    return (
      <div className="grid gap-4 medium:grid-cols-2">
        {data.ends.map((end) => (
          <End key={end.id} end={end} />
        ))}
      </div>
    );
  }
  return <p className="text-muted">{error ? `${error.title}. ${error.detail}` : 'Asking…'}</p>;
}

function End({ end: { hostname, explanation } }: { end: LinkDetails['ends'][number] }) {
  return (
    <section aria-label={`The path as ${hostname} sees it`} className="min-w-0">
      <h3 className="text-note text-muted">As {hostname} sees it</h3>
      {explanation ? <Explained explanation={explanation} /> : <p className="text-muted">It has not said yet.</p>}
    </section>
  );
}

function Explained({ explanation }: { explanation: NonNullable<LinkDetails['ends'][number]['explanation']> }) {
  const { verdict, remedies, nat_words: nats, attempts, reported_at: reportedAt } = explanation;
  return (
    <>
      <p className="font-medium break-words">{verdict}</p>
      {remedies.length > 0 && <p>What would make it direct: {remedies.join(', or ')}.</p>}
      {nats && (
        <p className="text-note text-muted">
          Its NAT: {nats.local}. The peer’s: {nats.remote}.
        </p>
      )}
      {attempts.length > 0 && (
        <ul className="mt-1 text-note">
          {attempts.map((attempt, index) => (
            <li key={index} className="flex flex-wrap gap-x-2">
              <span className="text-muted">{attempt.kind}</span>
              {attempt.endpoint !== null && <span className="font-mono break-all">{attempt.endpoint}</span>}
              <span>{resultOf(attempt)}</span>
            </li>
          ))}
        </ul>
      )}
      <p className="text-note text-muted">
        said <TimeAgo instant={reportedAt} />
      </p>
    </>
  );
}

function resultOf({ result, probes, rtt_ms: rtt }: PathAttempt): string {
  const sent = probes === 1 ? '1 probe' : `${probes} probes`;
  if (result === 'unanswered') return `no answer to ${sent}`;
  return rtt === null ? `answered (${sent})` : `answered after ${formatRtt(rtt)} (${sent})`;
}
