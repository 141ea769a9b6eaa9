import type { Alert, DeviceRow, Event, FleetSummary, StreamDelta, StreamSnapshot, OffloadedTask } from 'api-types';

// What the pages hear. `changes` carries what came since the last one.
export type LinkState =
  { state: 'connecting' } | { state: 'live' } | { state: 'lost'; since: number; retry_at: number };
export type Message =
  | { what: 'link'; link: LinkState }
  | { what: 'snapshot'; summary: FleetSummary; events: Event[]; alerts: Alert[] }
  | {
      what: 'delta';
      summary: FleetSummary;
      devices: DeviceRow[];
      more: boolean;
      tasks: OffloadedTask[];
      events: Event[];
      alerts: Alert[];
    }
  | { what: 'resync' };

export interface Source {
  addEventListener(type: string, listener: (event: { data: string; lastEventId: string }) => void): void;
  close(): void;
}
export interface World {
  open(url: string): Source;
  now(): number; // ms
  later(ms: number, then: () => void): () => void; // returns what cancels it
  random(): number; // [0, 1)
}

const kEventsKept = 50;
const kSilence = 45_000; // ms
const kFirstWait = 1_000;
const kLongestWait = 30_000;

// One event stream for all pages of a browser. It owns its reconnects (full jitter, resuming where it
// stopped), keeps what a page that opens later must be told, and knows no DOM: the SharedWorker
// and, where there is none, the page itself give it a World.
export class Hub {
  private readonly listeners = new Set<(message: Message) => void>();
  private source: Source | null = null;
  private cancel: () => void = () => {};
  private cancel_watch: () => void = () => {};
  private last_id = '';
  private failures = 0;
  private lost_since = 0;
  private link: LinkState = { state: 'connecting' };
  private summary: FleetSummary | null = null;
  private events: Event[] = [];
  private alerts = new Map<number, Alert>();

  constructor(
    private readonly url: string,
    private readonly world: World,
  ) {}

  // Returns what leaves again. The stream is open while somebody listens.
  join(listener: (message: Message) => void): () => void {
    this.listeners.add(listener);
    listener({ what: 'link', link: this.link });
    if (this.summary) listener(this.snapshot(this.summary));
    if (!this.source && this.listeners.size === 1) this.open();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.close();
    };
  }

  // Somebody pressed "try now", signed in, or the network came back.
  retry(): void {
    if (this.link.state === 'live') return;
    this.failures = 0;
    this.close();
    this.open();
  }

  private snapshot(summary: FleetSummary): Message {
    return { what: 'snapshot', summary, events: this.events, alerts: [...this.alerts.values()] };
  }

  private tell(message: Message): void {
    for (const listener of [...this.listeners]) listener(message);
  }

  private set_link(link: LinkState): void {
    this.link = link;
    this.tell({ what: 'link', link });
  }

  private close(): void {
    this.cancel();
    this.cancel_watch();
    this.source?.close();
    this.source = null;
  }

  private open(): void {
    const resume = this.last_id ? `?last_event_id=${encodeURIComponent(this.last_id)}` : '';
    const source = this.world.open(this.url + resume);
    this.source = source;
    this.watch(source);
    const on = <T>(type: string, take: (body: T) => void) =>
      source.addEventListener(type, (event) => {
        if (this.source !== source) return;
        this.watch(source);
        if (event.lastEventId) this.last_id = event.lastEventId;
        // A line that is no JSON is a broken proxy, not a reason to stop listening.
        let body: T;
        try {
          body = JSON.parse(event.data) as T;
        } catch {
          return;
        }
        this.arrived();
        take(body);
      });
    source.addEventListener('open', () => this.source === source && this.arrived());
    source.addEventListener('error', () => this.source === source && this.lost());
    on<StreamSnapshot>('snapshot', (body) => this.take_snapshot(body));
    on<StreamDelta>('delta', (body) => this.take_delta(body));
    on('resync', () => {
      this.last_id = '';
      this.tell({ what: 'resync' });
    });
  }

  private arrived(): void {
    this.failures = 0;
    if (this.link.state !== 'live') this.set_link({ state: 'live' });
  }

  // A path that died without a word shows only as silence, and so does a fleet in which nothing
  // happens: connect again where we stopped, and call it lost only when that fails.
  private watch(source: Source): void {
    this.cancel_watch();
    this.cancel_watch = this.world.later(kSilence, () => {
      if (this.source !== source) return;
      this.close();
      this.open();
    });
  }

  private lost(): void {
    this.close();
    const now = this.world.now();
    if (this.link.state !== 'lost') this.lost_since = now;
    const ceiling = Math.min(kLongestWait, kFirstWait * 2 ** this.failures++);
    const wait = Math.max(250, ceiling * this.world.random());
    this.set_link({ state: 'lost', since: this.lost_since, retry_at: now + wait });
    this.cancel = this.world.later(wait, () => this.open());
  }

  private take_snapshot(body: StreamSnapshot): void {
    this.summary = body.summary;
    this.events = body.events.slice(0, kEventsKept);
    this.alerts = new Map(body.alerts.map((alert) => [alert.id, alert]));
    this.tell(this.snapshot(body.summary));
  }

  private take_delta(body: StreamDelta): void {
    const { summary, devices = [], more = false, tasks = [], events = [], alerts = [] } = body;
    this.summary = summary;
    this.events = [...[...events].reverse(), ...this.events].slice(0, kEventsKept);
    for (const alert of alerts) {
      if (alert.firing) this.alerts.set(alert.id, alert);
      else this.alerts.delete(alert.id);
    }
    this.tell({ what: 'delta', summary, devices, more, tasks, events, alerts });
  }
}
