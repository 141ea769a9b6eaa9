import { Hub, type Source } from './hub';

// One event stream, however many tabs show it: this runs as a SharedWorker, or in the page of a
// browser that has none.
// Beside this file, wherever a proxy has put both.
const file = (globalThis.document?.currentScript as HTMLScriptElement | undefined)?.src ?? location.href;
const hub = new Hub(new URL('../api/v1/stream', file).pathname, {
  open: (url) => new EventSource(url) as unknown as Source,
  now: () => Date.now(),
  later: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
});

interface WorkerScope {
  onconnect: (event: MessageEvent) => void;
}
if (typeof document === 'undefined') {
  (self as unknown as WorkerScope).onconnect = (event) => {
    const port = event.ports[0]!;
    const leave = hub.join((message) => port.postMessage(message));
    port.onmessage = ({ data }: MessageEvent<string>) => {
      if (data === 'retry') hub.retry();
      if (data === 'bye') leave();
    };
  };
} else {
  Object.assign(globalThis, { spillway_hub: hub });
}
