import type { NodeEvents, NodeLog } from '../runtime/node-log.js';

/** A log that keeps what it is told. */
export class RecordingLog implements NodeLog {
  readonly entries: { readonly event: keyof NodeEvents; readonly fields: object }[] = [];

  event<E extends keyof NodeEvents>(event: E, fields: NodeEvents[E]): void {
    this.entries.push({ event, fields });
  }

  of<E extends keyof NodeEvents>(event: E): NodeEvents[E][] {
    return this.entries.filter((entry) => entry.event === event).map(({ fields }) => fields as NodeEvents[E]);
  }
}
