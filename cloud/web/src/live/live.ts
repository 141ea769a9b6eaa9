import { base } from '../base';
import { batch, signal } from '@preact/signals';
import type { Alert, DeviceRow, Event, FleetSummary, OffloadedTask } from 'api-types';
import type { Hub, LinkState, Message } from './hub';

declare const WORKER_URL: string;

// What the stream has told this page. Fed by the SharedWorker, or by a hub of the page's own.
export const link = signal<LinkState>({ state: 'connecting' });
export const summary = signal<FleetSummary | null>(null);
export const alerts = signal<ReadonlyMap<number, Alert>>(new Map());
export const events = signal<Event[]>([]);
// Counts up when whatever was loaded has to be loaded again.
export const generation = signal(0);
export const now = signal(Date.now());

// `more`: other devices changed, too.
export interface Changes {
  devices: DeviceRow[];
  more: boolean;
  tasks: OffloadedTask[];
  events: Event[];
}
const listeners = new Set<(changes: Changes) => void>();

// What the stream said since `moment` (ms): newer than an answer that was asked for then. The list goes
// back some ten seconds; an answer on its way for longer is renewed before long anyway.
const kRecent = 40;
const recent: { changes: Changes; at: number }[] = [];
export const heard_since = (moment: number): Changes[] =>
  recent.filter(({ at }) => at >= moment).map(({ changes }) => changes);

export function on_changes(listener: (changes: Changes) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function take(message: Message): void {
  batch(() => {
    switch (message.what) {
      case 'link':
        link.value = message.link;
        break;
      case 'resync':
        ++generation.value;
        break;
      case 'snapshot':
        summary.value = message.summary;
        events.value = message.events;
        alerts.value = new Map(message.alerts.map((alert) => [alert.id, alert]));
        break;
      case 'delta': {
        summary.value = message.summary;
        if (message.events.length) events.value = [...[...message.events].reverse(), ...events.value].slice(0, 50);
        if (message.alerts.length) {
          const next = new Map(alerts.value);
          for (const alert of message.alerts) {
            if (alert.firing) next.set(alert.id, alert);
            else next.delete(alert.id);
          }
          alerts.value = next;
        }
        recent.push({ changes: message, at: Date.now() });
        if (recent.length > kRecent) recent.shift();
        for (const listener of listeners) listener(message);
      }
    }
  });
}

let ask_again: () => void = () => {};
export const retry_now = (): void => ask_again();

// Called once, when somebody is signed in.
let started = false;
export function start_stream(): void {
  if (started) return ask_again();
  started = true;
  setInterval(() => {
    now.value = Date.now();
  }, 1000);
  if (typeof SharedWorker === 'function') {
    try {
      const worker = new SharedWorker(base + WORKER_URL, 'spillway');
      worker.port.onmessage = ({ data }: MessageEvent<Message>) => take(data);
      worker.onerror = () => stream_in_page();
      ask_again = () => worker.port.postMessage('retry');
      addEventListener('pagehide', () => worker.port.postMessage('bye'));
      // A page that comes back from the cache has said goodbye already.
      addEventListener('pageshow', (event) => {
        if (event.persisted) location.reload();
      });
    } catch {
      stream_in_page();
    }
  } else stream_in_page();
  addEventListener('online', () => ask_again());
}

// No SharedWorker (some browsers on phones): the worker's file runs in the page instead.
function stream_in_page(): void {
  const script = document.createElement('script');
  script.src = base + WORKER_URL;
  script.onload = () => {
    const { spillway_hub: hub } = globalThis as unknown as { spillway_hub: Hub };
    ask_again = () => hub.retry();
    hub.join(take);
  };
  document.head.append(script);
}
