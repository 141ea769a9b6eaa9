import { signal, type Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { generation, link } from '../live/live';
import { ApiError, get } from './client';

export interface Query<T> {
  data: T | null;
  error: ApiError | null; // of the newest try; data stays what it was
  at: number;             // ms; when data came
  loading: boolean;
}

// What was seen last is shown at once when a page is opened again, and then renewed.
const seen = new Map<string, { data: unknown; at: number }>();
const kPathsKept = 60;
function keep(path: string, data: unknown): void {
  seen.delete(path);
  seen.set(path, { data, at: Date.now() });
  if (seen.size > kPathsKept) seen.delete(seen.keys().next().value!);
}
export const forget_everything = (): void => seen.clear();

// Reads a path, again `every` seconds while the page is visible, and when the stream lost its place
// or came back. A null path reads nothing.
export function useQuery<T>(path: string | null, every = 0): Query<T> & { again: () => void } {
  const state: Signal<Query<T>> = useMemo(() => {
    const before = path ? seen.get(path) : undefined;
    return signal({ data: (before?.data as T) ?? null, error: null, at: before?.at ?? 0, loading: path !== null });
  }, [path]);
  const tick = useMemo(() => signal(0), [path]);
  const live = link.value.state === 'live';

  useEffect(() => {
    if (!path) return;
    const abort = new AbortController();
    const load = async (): Promise<void> => {
      try {
        const data = await get<T>(path, abort.signal);
        keep(path, data);
        state.value = { data, error: null, at: Date.now(), loading: false };
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        state.value = { ...state.value, error, loading: false };
      }
    };
    void load();
    const timer = every ? setInterval(() => { if (!document.hidden) void load(); }, every * 1000) : 0;
    return () => { abort.abort(); clearInterval(timer); };
  }, [path, every, tick.value, generation.value, live]);

  return { ...state.value, again: () => { ++tick.value; } };
}
