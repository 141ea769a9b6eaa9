import { signal, type Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { generation, link } from '../live/live';
import { ApiError, get } from './client';

export interface Query<T> {
  data: T | null;
  error: ApiError | null; // of the newest try; data stays what it was
  asked: number; // ms; when data was asked for
}

// What was seen last is shown at once when a page is opened again, and then renewed.
const seen = new Map<string, { data: unknown; asked: number }>();
const kPathsKept = 60;
function keep(path: string, data: unknown, asked: number): void {
  seen.delete(path);
  seen.set(path, { data, asked });
  if (seen.size > kPathsKept) seen.delete(seen.keys().next().value!);
}
export const forget_everything = (): void => seen.clear();

// Reads a path, again `every` seconds while the page is visible, and when the stream lost its place
// or came back. A null path reads nothing.
export function useQuery<T>(path: string | null, every = 0): Query<T> & { again: () => void } {
  const state: Signal<Query<T>> = useMemo(() => {
    const before = path ? seen.get(path) : undefined;
    return signal({ data: (before?.data as T) ?? null, error: null, asked: before?.asked ?? 0 });
  }, [path]);
  const tick = useMemo(() => signal(0), [path]);
  const live = link.value.state === 'live';

  useEffect(() => {
    if (!path) return;
    const abort = new AbortController();
    const load = async (): Promise<void> => {
      const asked = Date.now();
      try {
        const data = await get<T>(path, abort.signal);
        keep(path, data, asked);
        state.value = { data, error: null, asked };
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        state.value = { ...state.value, error };
      }
    };
    void load();
    const timer = every
      ? setInterval(() => {
          if (!document.hidden) void load();
        }, every * 1000)
      : 0;
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [path, every, tick.value, generation.value, live]);

  return {
    ...state.value,
    again: () => {
      ++tick.value;
    },
  };
}
