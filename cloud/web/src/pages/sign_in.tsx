import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Me } from 'api-types';
import { me, send } from '../api/client';
import { go } from '../router';
import { Icon } from '../parts/icons';
import { Logo } from '../parts/shell';

// The code of a one-time link is in the address, and leaves it before anything else happens: an
// address is copied, bookmarked and logged.
export function take_code(): string | null {
  const code =
    new URLSearchParams(location.search).get('code') ?? new URLSearchParams(location.hash.slice(1)).get('code');
  if (code) go('/', true);
  return code;
}

export async function sign_in(body: { code?: string; token?: string }): Promise<void> {
  me.value = await send<Me>('POST', '/session', body);
}

export function SignInPage({ problem }: { problem: string }) {
  const token = useSignal(''),
    said = useSignal(problem),
    busy = useSignal(false);
  useEffect(() => {
    document.title = 'Sign in · Spillway';
  }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    busy.value = true;
    try {
      await sign_in({ token: token.value.trim() });
    } catch (error) {
      said.value = (error as Error).message;
    }
    busy.value = false;
  };
  return (
    <main class="sign-in" id="page">
      <form onSubmit={submit} class="panel">
        <Logo size={40} />
        <h1>Sign in to Spillway</h1>
        {said.value && (
          <p class="form-error" role="alert">
            <Icon name="warn" />
            {said.value}
          </p>
        )}
        <label class="field">
          <span>Token</span>
          <input
            type="password"
            name="token"
            autocomplete="current-password"
            required
            maxLength={200}
            value={token.value}
            onInput={(event) => {
              token.value = event.currentTarget.value;
            }}
          />
        </label>
        <button class="button primary" disabled={busy.value}>
          {busy.value ? 'Signing in…' : 'Sign in'}
        </button>
        <p class="quiet">
          The cloud printed a one-time link that signs you in when it first started. Tokens come from{' '}
          <code>spwctl token create</code>.
        </p>
      </form>
    </main>
  );
}
