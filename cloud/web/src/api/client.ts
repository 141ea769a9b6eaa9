import { signal } from '@preact/signals';
import type { Me, Problem, Scope } from 'api-types';
import { base } from '../base';

// Who is signed in: undefined while asking, null for nobody.
export const me = signal<Me | null | undefined>(undefined);

const order: Scope[] = ['read', 'operate', 'admin'];
export const may = (scope: Scope): boolean => !!me.value && order.indexOf(me.value.scope) >= order.indexOf(scope);

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
  ) {
    super(
      problem.detail || problem.title || (status ? `The server answered ${status}.` : 'The server cannot be reached.'),
    );
  }
}

const api = `${base}/api/v1`;

async function fail(response: Response): Promise<never> {
  let problem: Partial<Problem> = {};
  try {
    problem = (await response.json()) as Problem;
  } catch {
    /* a proxy's page: the status says enough */
  }
  if (response.status === 401) me.value = null;
  throw new ApiError(response.status, problem);
}

async function call(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(api + path, { credentials: 'same-origin', ...init });
  } catch (cause) {
    if ((cause as Error).name === 'AbortError') throw cause;
    throw new ApiError(0, {});
  }
  return response.ok ? response : fail(response);
}

export { with_params } from './client_params';

export const get = async <T>(path: string, abort?: AbortSignal): Promise<T> =>
  (await call(path, abort ? { signal: abort } : {})).json() as Promise<T>;

export async function send<T>(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<T> {
  const all: Record<string, string> = { ...headers };
  // The cloud asks for it also where there is no body: no form can say so.
  if (method !== 'DELETE' || body !== undefined) all['Content-Type'] = 'application/json';
  if (me.value?.csrf) all['X-CSRF-Token'] = me.value.csrf;
  // A POST that is repeated after a lost answer must not act twice.
  if (method === 'POST' && path !== '/session') all['Idempotency-Key'] = key();
  const response = await call(path, {
    method,
    headers: all,
    ...(body !== undefined ? { body: JSON.stringify(body) } : {}),
  });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const key = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

export async function who_am_i(): Promise<void> {
  try {
    me.value = await get<Me>('/session');
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  }
}
