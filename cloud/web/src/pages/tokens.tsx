import { useSignal } from '@preact/signals';
import type { CreatedToken, NewToken, OpenSession, OpenSessionList, Token, TokenList } from 'api-types';
import { send } from '../api/client';
import { useQuery } from '../api/query';
import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { Ago, Loaded, Message, Panel } from '../parts/page';
import { actions_head, Table } from '../parts/table';
import { act } from '../parts/toast';

// For administrators: who may speak to the API, and the only moment a secret is seen.
export function Tokens() {
  const query = useQuery<TokenList>('/tokens', 60);
  const making = useSignal(false),
    leaving = useSignal<Token | null>(null);
  const revoke = ({ id, name }: Token): void => {
    leaving.value = null;
    void act(send('DELETE', `/tokens/${encodeURIComponent(id)}`), `Revoked ${name}`, query.again);
  };
  return (
    <Panel
      title="Tokens"
      actions={
        <button
          class="text-button"
          onClick={() => {
            making.value = true;
          }}
        >
          New token…
        </button>
      }
    >
      <Loaded query={query} need="admin">
        {(data) => (
          <Table
            label="Tokens"
            rows={data.items}
            id={({ id }) => id}
            empty={<Message icon="lock" title="No tokens" />}
            columns={[
              ['Name', ({ name }) => name],
              ['Scope', ({ scope }) => scope],
              ['Expires', ({ expires }) => (expires ? new Date(expires).toLocaleDateString('en-GB') : 'never')],
              ['Last used', ({ last_used }) => <Ago at={last_used} />],
              [
                actions_head,
                (token) => (
                  <button
                    class="text-button"
                    onClick={() => {
                      leaving.value = token;
                    }}
                    aria-label={`Revoke ${token.name}`}
                  >
                    Revoke…
                  </button>
                ),
                'right',
              ],
            ]}
          />
        )}
      </Loaded>
      {making.value && (
        <NewTokenDialog
          close={() => {
            making.value = false;
            query.again();
          }}
        />
      )}
      {leaving.value && (
        <Dialog
          title={`Revoke ${leaving.value.name}?`}
          close={() => {
            leaving.value = null;
          }}
        >
          <p>Whoever uses it is refused from now on.</p>
          <div class="actions">
            <button
              class="button"
              onClick={() => {
                leaving.value = null;
              }}
            >
              Back
            </button>
            <button class="button primary" onClick={() => revoke(leaving.value!)}>
              Revoke
            </button>
          </div>
        </Dialog>
      )}
    </Panel>
  );
}

// Who is signed in by a browser.
export function Sessions() {
  const query = useQuery<OpenSessionList>('/sessions', 60);
  const end = ({ id, name }: OpenSession): Promise<void> =>
    act(send('DELETE', `/sessions/${encodeURIComponent(id)}`), `Signed out ${name}`, query.again);
  return (
    <Panel title="Sessions">
      <Loaded query={query} need="admin">
        {(data) => (
          <Table
            label="Sessions"
            rows={data.items}
            id={({ id }) => id}
            empty={<Message icon="lock" title="Nobody is signed in" />}
            columns={[
              ['Name', ({ name, own }) => name + (own ? ' (this one)' : '')],
              ['Scope', ({ scope }) => scope],
              ['From', ({ from }) => from],
              ['Since', ({ created }) => <Ago at={created} />],
              [
                actions_head,
                (session) => (
                  <button
                    class="text-button"
                    onClick={() => end(session)}
                    aria-label={`Sign out ${session.name} from ${session.from}`}
                  >
                    Sign out
                  </button>
                ),
                'right',
              ],
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}

const lives: [string, string][] = [
  ['', 'never'],
  ['86400', 'in a day'],
  ['2592000', 'in 30 days'],
  ['31536000', 'in a year'],
];
function NewTokenDialog({ close }: { close: () => void }) {
  const name = useSignal(''),
    scope = useSignal<NewToken['scope']>('read'),
    expires = useSignal('2592000'),
    said = useSignal('');
  const made = useSignal<CreatedToken | null>(null);
  const create = async (event: Event): Promise<void> => {
    event.preventDefault();
    const body: NewToken = {
      name: name.value.trim(),
      scope: scope.value,
      ...(expires.value && { expires_in_s: Number(expires.value) }),
    };
    try {
      made.value = await send<CreatedToken>('POST', '/tokens', body);
    } catch (error) {
      said.value = (error as Error).message;
    }
  };
  if (made.value) {
    return (
      <Dialog title={`The token ${made.value.name}`} close={close}>
        <p>Copy it now: only its hash is kept, and it is never shown again.</p>
        <label class="field">
          <span>Secret</span>
          <input
            type="text"
            class="mono"
            readOnly
            value={made.value.secret}
            onFocus={(event) => event.currentTarget.select()}
          />
        </label>
        <div class="actions">
          <button class="button primary" onClick={close}>
            Done
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="New token" close={close}>
      <form onSubmit={create}>
        {said.value && (
          <p class="form-error" role="alert">
            <Icon name="warn" />
            {said.value}
          </p>
        )}
        <label class="field">
          <span>What it is for</span>
          <input
            type="text"
            required
            maxLength={63}
            autocomplete="off"
            value={name.value}
            onInput={(event) => {
              name.value = event.currentTarget.value;
            }}
          />
        </label>
        <div class="fields">
          <label class="field">
            <span>May</span>
            <select
              value={scope.value}
              onChange={(event) => {
                scope.value = event.currentTarget.value as NewToken['scope'];
              }}
            >
              <option value="read">read</option>
              <option value="operate">operate devices</option>
              <option value="admin">do everything</option>
            </select>
          </label>
          <label class="field">
            <span>Expires</span>
            <select
              value={expires.value}
              onChange={(event) => {
                expires.value = event.currentTarget.value;
              }}
            >
              {lives.map(([seconds, word]) => (
                <option key={seconds} value={seconds}>
                  {word}
                </option>
              ))}
            </select>
          </label>
        </div>
        <div class="actions">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button class="button primary">Create</button>
        </div>
      </form>
    </Dialog>
  );
}
